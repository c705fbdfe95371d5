/* client/settings.h: what a client was opened with, after defaults and checks. */
#ifndef CLIENT_SETTINGS_H
#define CLIENT_SETTINGS_H

#include "net/endpoint.h"
#include "net/handshake.h"
#include "net/reader.h"
#include "net/tls.h"

#include <vouch/client.h>

struct settings {
    struct endpoint endpoint;
    struct greeting greeting; /* its strings are owned here */
    char *username, *password, *name;
    bool lazy;
    unsigned outages;
    int64_t connect_ms, deadline_ms, stall_ms, retry_min_ms, retry_max_ms;
    size_t window_commands, window_bytes;
    struct reader_limits limits;
    struct tls_settings tls;
    vouch_credentials_hook credentials; /* or NULL */
    void *credentials_user;
    vouch_event_hook on_event;
    void *event_user;
};

/* Reads the URL, then the options over it, then the defaults. On failure nothing is held. */
vouch_status settings_read(struct settings *s, const char *url, const vouch_client_options *options,
                           vouch_error *error);
void settings_free(struct settings *s);

#endif
