/* What a test's server is told. Nothing it does may depend on the machine: no snapshots, no
 * waiting for replicas, no bind to anything but loopback. */
#include "server_config.h"

#include "buffer.h"

static void add_persistence(ts_buffer *text, ts_persistence persistence)
{
    switch (persistence) {
    case TS_NO_PERSISTENCE:
        ts_buffer_print(text, "appendonly no\n");
        return;
    case TS_AOF_ALWAYS:
        ts_buffer_print(text, "appendonly yes\nappendfsync always\n");
        return;
    case TS_AOF_EVERYSEC:
        ts_buffer_print(text, "appendonly yes\nappendfsync everysec\n");
        return;
    }
}

static void add_lines(ts_buffer *text, const char *before, const char *const *lines)
{
    for (; lines && *lines; lines++)
        ts_buffer_print(text, "%s%s\n", before, *lines);
}

static void add_port(ts_buffer *text, const ts_server_tls *tls, int port)
{
    static const char *const asks[] = {"no", "optional", "yes"};
    ts_buffer_print(text, "port %d\n", tls ? 0 : port);
    if (!tls)
        return;
    ts_buffer_print(text, "tls-port %d\ntls-cert-file %s\ntls-key-file %s\n", port, tls->cert_file,
                    tls->key_file);
    ts_buffer_print(text, "tls-ca-cert-file %s\ntls-auth-clients %s\n", tls->ca_file,
                    asks[tls->clients]);
    if (tls->protocols)
        ts_buffer_print(text, "tls-protocols \"%s\"\n", tls->protocols);
}

char *ts_server_config_text(const ts_server_options *options, const char *folder, int port,
                            int primary_port)
{
    ts_buffer text = {0};
    ts_buffer_print(&text, "daemonize no\ndir %s\nlogfile \"\"\nsave \"\"\n", folder);
    ts_buffer_print(&text, "unixsocket %s/s\n", folder);
    add_port(&text, options->tls, port);
    ts_buffer_print(&text, "bind 127.0.0.1 -::1\nprotected-mode no\n");
    ts_buffer_print(&text, "shutdown-on-sigterm nosave now force\nenable-debug-command yes\n");
    ts_buffer_print(&text, "repl-diskless-sync yes\nrepl-diskless-sync-delay 0\n");
    ts_buffer_print(&text, "user %s on >%s ~* &* +@all\n", TS_TRUTH_USER, TS_TRUTH_PASSWORD);
    add_persistence(&text, options->persistence);
    if (options->password)
        ts_buffer_print(&text, "requirepass \"%s\"\n", options->password);
    add_lines(&text, "user ", options->users);
    if (primary_port != 0)
        ts_buffer_print(&text, "replicaof 127.0.0.1 %d\nmasteruser %s\nmasterauth %s\n",
                        primary_port, TS_TRUTH_USER, TS_TRUTH_PASSWORD);
    add_lines(&text, "", options->config);
    ts_buffer_add(&text, "", 1);
    return text.data;
}
