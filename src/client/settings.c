/* From a URL and options to settings. Pure; every refusal names the part that is wrong, and none
 * repeats what may be a password. */
#include "client/settings.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/number.h"
#include "client/credentials.h"
#include "client/url.h"

#include <string.h>

#define DEFAULT_PORT         6379
#define DEFAULT_CONNECT_MS   2000
#define DEFAULT_DEADLINE_MS  5000
#define DEFAULT_STALL_MS     5000
#define DEFAULT_RETRY_MIN_MS 20
#define DEFAULT_RETRY_MAX_MS 500
#define DEFAULT_OUTAGES      8
#define DEFAULT_COMMANDS     1000
#define DEFAULT_WINDOW       ((size_t)1 << 20)
#define DEFAULT_REPLY        ((size_t)512 << 20)
#define DEFAULT_ELEMENTS     ((size_t)1 << 20)
#define DEFAULT_DEPTH        32
/* Times are kept in microseconds in 64 bits; a day bounds what is plausible. */
#define CONNECT_MAX_MS  ((int64_t)86400000)
#define DURATION_MAX_MS ((int64_t)1 << 50)
#define DATABASE_MAX    ((uint32_t)INT32_MAX)
#define NAME_MAX_BYTES  ((size_t)255)
#define SECRET_MAX      ((size_t)3000)

static vouch_status wrong(vouch_error *e, const char *part, const char *what)
{
    return error_set(e, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "%s: %s", part, what);
}

static vouch_status no_memory(vouch_error *e)
{
    return error_set(e, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY, "out of memory while opening a client");
}

/* ---- the URL -------------------------------------------------------------------------------- */

static vouch_status copy_part(struct url_text part, const char *what, char **out, vouch_error *e)
{
    char text[SECRET_MAX];
    if (!part.at)
        return VOUCH_OK;
    const char *fault = url_decode(part, text, sizeof text);
    if (!fault) {
        credentials_wipe(*out);
        *out = alloc_copy(text, strlen(text));
    }
    alloc_wipe(text, sizeof text); /* it may be the password */
    if (fault)
        return wrong(e, what, fault);
    return *out ? VOUCH_OK : no_memory(e);
}

static bool number_in(struct url_text part, int64_t low, int64_t high, int64_t *out)
{
    return number_parse_i64(part.at, part.n, out) && *out >= low && *out <= high;
}

static vouch_status read_address(struct settings *s, const struct url *u, vouch_error *e)
{
    s->endpoint.local = u->local;
    s->endpoint.tls = u->tls;
    struct url_text where = u->local ? u->path : u->host;
    const char *name = u->local ? "the socket's path in the URL" : "the host in the URL";
    const char *fault =
        url_decode(where, s->endpoint.host, u->local ? ENDPOINT_PATH_MAX : ENDPOINT_HOST_MAX);
    if (fault)
        return wrong(e, name, fault);
    int64_t port = DEFAULT_PORT;
    if (u->port.at && !number_in(u->port, 1, 65535, &port))
        return wrong(e, "the port in the URL", "not a number from 1 to 65535");
    s->endpoint.port = (uint16_t)port;
    return VOUCH_OK;
}

static bool is_word(struct url_text text, const char *what)
{
    return text.n == strlen(what) && memcmp(text.at, what, text.n) == 0;
}

/* *known is false if the option is none of these. */
static vouch_status read_tls_option(struct tls_settings *t, struct url_text name,
                                    struct url_text value, bool *known, vouch_error *e)
{
    int64_t n;
    *known = true;
    if (is_word(name, "tls_ca_file"))
        return copy_part(value, "tls_ca_file in the URL", &t->ca_file, e);
    if (is_word(name, "tls_cert_file"))
        return copy_part(value, "tls_cert_file in the URL", &t->cert_file, e);
    if (is_word(name, "tls_key_file"))
        return copy_part(value, "tls_key_file in the URL", &t->key_file, e);
    if (is_word(name, "tls_name"))
        return copy_part(value, "tls_name in the URL", &t->name, e);
    if (is_word(name, "tls_min")) {
        if (!number_in(value, 12, 13, &n))
            return wrong(e, "tls_min in the URL", "neither 12 (TLS 1.2) nor 13 (TLS 1.3)");
        t->min = (uint32_t)n;
        return VOUCH_OK;
    }
    static const char *const verify[] = {"full", "chain", "none"};
    *known = is_word(name, "tls_verify");
    for (uint32_t i = 0; *known && i < sizeof verify / sizeof *verify; i++)
        if (is_word(value, verify[i])) {
            t->verify = VOUCH_TLS_VERIFY_FULL + i;
            return VOUCH_OK;
        }
    return *known ? wrong(e, "tls_verify in the URL", "none of full, chain, none") : VOUCH_OK;
}

static vouch_status read_option(struct settings *s, struct url_text name, struct url_text value,
                                vouch_error *e)
{
    int64_t n;
    bool known;
    vouch_status status = read_tls_option(&s->tls, name, value, &known, e);
    if (known)
        return status;
    if (is_word(name, "db")) {
        if (!number_in(value, 0, DATABASE_MAX, &n))
            return wrong(e, "db in the URL", "not a database number");
        s->greeting.database = (uint32_t)n;
    } else if (is_word(name, "protocol")) {
        if (!number_in(value, 2, 3, &n))
            return wrong(e, "protocol in the URL", "neither 2 nor 3");
        s->greeting.protocol = (uint32_t)n;
    } else if (is_word(name, "name")) {
        return copy_part(value, "name in the URL", &s->name, e);
    } else if (is_word(name, "connect_ms")) {
        if (!number_in(value, 1, CONNECT_MAX_MS, &s->connect_ms))
            return wrong(e, "connect_ms in the URL", "not 1 to 86400000");
    } else if (is_word(name, "deadline_ms")) {
        if (!number_in(value, -1, DURATION_MAX_MS, &s->deadline_ms) || s->deadline_ms == 0)
            return wrong(e, "deadline_ms in the URL", "neither -1 nor above 0");
    } else if (is_word(name, "stall_ms")) {
        if (!number_in(value, -1, DURATION_MAX_MS, &s->stall_ms) || s->stall_ms == 0)
            return wrong(e, "stall_ms in the URL", "neither -1 nor above 0");
    } else {
        return wrong(e, "the URL",
                     "an unknown option; there are db, protocol, name, connect_ms, deadline_ms, "
                     "stall_ms, tls_ca_file, tls_cert_file, tls_key_file, tls_name, tls_verify, "
                     "tls_min");
    }
    return VOUCH_OK;
}

static vouch_status read_url(struct settings *s, const char *text, vouch_error *e)
{
    struct url u;
    if (!text)
        return wrong(e, "the URL", "it is NULL");
    const char *fault = url_split(text, &u);
    if (fault)
        return wrong(e, "the URL", fault);
    vouch_status status = read_address(s, &u, e);
    if (!status)
        status = copy_part(u.user, "the user in the URL", &s->username, e);
    if (!status)
        status = copy_part(u.password, "the password in the URL", &s->password, e);
    int64_t n = 0;
    if (!status && !u.local && u.path.n) {
        if (!number_in(u.path, 0, DATABASE_MAX, &n))
            return wrong(e, "the path of the URL", "not a database number");
        s->greeting.database = (uint32_t)n;
    }
    for (size_t i = 0; !status && i < u.option_count; i++)
        status = read_option(s, u.options[i].name, u.options[i].value, e);
    return status;
}

/* ---- the options ---------------------------------------------------------------------------- */

static vouch_status override(const char *from, char **to, vouch_error *e)
{
    if (!from)
        return VOUCH_OK;
    credentials_wipe(*to);
    *to = alloc_copy(from, strlen(from));
    return *to ? VOUCH_OK : no_memory(e);
}

static vouch_status duration(int64_t given, const char *name, int64_t low, int64_t high,
                             int64_t *out, vouch_error *e)
{
    if (given == 0)
        return VOUCH_OK;
    if (given < low || given > high)
        return error_set(e, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                         "%s: %lld is not in the range from %lld to %lld", name, (long long)given,
                         (long long)low, (long long)high);
    *out = given;
    return VOUCH_OK;
}

/* The fields of which 0 asks for the default. */
static vouch_status read_limits(struct settings *s, const vouch_client_options *o, vouch_error *e)
{
    if (o->window_commands > VOUCH_WINDOW_MAX_COMMANDS)
        return wrong(e, "window_commands", "over VOUCH_WINDOW_MAX_COMMANDS");
    if (o->reply_max_bytes >= UINT32_MAX)
        return wrong(e, "reply_max_bytes", "4 GiB or more");
    if (o->reply_max_elements >= UINT32_MAX)
        return wrong(e, "reply_max_elements", "2^32 or more");
    if (o->reply_max_depth > READER_DEPTH_MAX)
        return wrong(e, "reply_max_depth", "over 64");
    if (o->window_commands)
        s->window_commands = o->window_commands;
    if (o->window_bytes)
        s->window_bytes = o->window_bytes;
    if (o->reply_max_bytes)
        s->limits.bytes = (uint32_t)o->reply_max_bytes;
    if (o->reply_max_elements)
        s->limits.elements = (uint32_t)o->reply_max_elements;
    if (o->reply_max_depth)
        s->limits.depth = o->reply_max_depth;
    return VOUCH_OK;
}

static vouch_status read_tls(struct tls_settings *t, const vouch_client_options *o, vouch_error *e)
{
    if (o->tls_verify > VOUCH_TLS_VERIFY_NONE)
        return wrong(e, "tls_verify", "none of VOUCH_TLS_VERIFY_FULL, _CHAIN, _NONE");
    if (o->tls_min && o->tls_min != 12 && o->tls_min != 13)
        return wrong(e, "tls_min", "neither 12 (TLS 1.2) nor 13 (TLS 1.3)");
    if (o->tls_verify)
        t->verify = o->tls_verify;
    if (o->tls_min)
        t->min = o->tls_min;
    vouch_status status = override(o->tls_ca_file, &t->ca_file, e);
    if (!status)
        status = override(o->tls_cert_file, &t->cert_file, e);
    if (!status)
        status = override(o->tls_key_file, &t->key_file, e);
    return status ? status : override(o->tls_name, &t->name, e);
}

static vouch_status read_options(struct settings *s, const vouch_client_options *o, vouch_error *e)
{
    if (o->size != sizeof *o)
        return wrong(e, "options->size", "not set by VOUCH_CLIENT_OPTIONS_INIT");
    if (o->protocol && o->protocol != 2 && o->protocol != 3)
        return wrong(e, "protocol", "neither 2 nor 3");
    if (o->database > DATABASE_MAX)
        return wrong(e, "database", "not a database number");
    if (o->protocol)
        s->greeting.protocol = o->protocol;
    if (o->database)
        s->greeting.database = o->database;
    if (o->outages)
        s->outages = o->outages;
    s->lazy = o->lazy != 0;
    s->credentials = o->credentials;
    s->credentials_user = o->credentials_user;
    s->on_event = o->on_event;
    s->event_user = o->event_user;
    vouch_status status = override(o->username, &s->username, e);
    if (!status)
        status = override(o->password, &s->password, e);
    if (!status)
        status = override(o->name, &s->name, e);
    if (!status)
        status = duration(o->connect_ms, "connect_ms", 1, CONNECT_MAX_MS, &s->connect_ms, e);
    if (!status)
        status = duration(o->deadline_ms, "deadline_ms", -1, DURATION_MAX_MS, &s->deadline_ms, e);
    if (!status)
        status = duration(o->stall_ms, "stall_ms", -1, DURATION_MAX_MS, &s->stall_ms, e);
    if (!status)
        status = duration(o->retry_min_ms, "retry_min_ms", 1, CONNECT_MAX_MS, &s->retry_min_ms, e);
    if (!status)
        status = duration(o->retry_max_ms, "retry_max_ms", 1, CONNECT_MAX_MS, &s->retry_max_ms, e);
    if (!status)
        status = read_tls(&s->tls, o, e);
    return status ? status : read_limits(s, o, e);
}

/* What CLIENT SETNAME takes. */
static bool is_name(const char *name)
{
    for (; *name; name++)
        if (*name < '!' || *name > '~')
            return false;
    return true;
}

/* What is asked of TLS, and without TLS would silently not be done. */
static vouch_status check_tls(const struct settings *s, vouch_error *e)
{
    const struct tls_settings *t = &s->tls;
    if (!s->endpoint.tls &&
        (t->verify || t->min || t->ca_file || t->cert_file || t->key_file || t->name))
        return wrong(e, "the URL", "there are tls_ options, but only rediss:// speaks TLS");
    if (t->key_file && !t->cert_file)
        return wrong(e, "tls_key_file", "there is no tls_cert_file to go with it");
    return VOUCH_OK;
}

static vouch_status finish(struct settings *s, vouch_error *e)
{
    vouch_status status = check_tls(s, e);
    if (status)
        return status;
    if (s->credentials && (s->username || s->password))
        return wrong(e, "credentials", "there is a user or password besides the hook");
    if (s->name && (!is_name(s->name) || strlen(s->name) > NAME_MAX_BYTES))
        return wrong(e, "name", "more than 255 bytes, or a space or control byte in it");
    if (s->retry_max_ms < s->retry_min_ms)
        return wrong(e, "retry_max_ms", "below retry_min_ms");
    s->greeting.username = s->username;
    s->greeting.password = s->password;
    s->greeting.name = s->name && *s->name ? s->name : NULL;
    s->greeting.probe_multi = true;
    return VOUCH_OK;
}

vouch_status settings_read(struct settings *s, const char *url, const vouch_client_options *options,
                           vouch_error *error)
{
    memset(s, 0, sizeof *s);
    s->greeting.protocol = 3;
    s->outages = DEFAULT_OUTAGES;
    s->connect_ms = DEFAULT_CONNECT_MS;
    s->deadline_ms = DEFAULT_DEADLINE_MS;
    s->stall_ms = DEFAULT_STALL_MS;
    s->retry_min_ms = DEFAULT_RETRY_MIN_MS;
    s->retry_max_ms = DEFAULT_RETRY_MAX_MS;
    s->window_commands = DEFAULT_COMMANDS;
    s->window_bytes = DEFAULT_WINDOW;
    s->limits =
        (struct reader_limits){(uint32_t)DEFAULT_REPLY, (uint32_t)DEFAULT_ELEMENTS, DEFAULT_DEPTH};
    vouch_status status = read_url(s, url, error);
    if (!status && options)
        status = read_options(s, options, error);
    if (!status)
        status = finish(s, error);
    if (status)
        settings_free(s);
    return status;
}

void settings_free(struct settings *s)
{
    struct tls_settings *t = &s->tls;
    char **texts[] = {&s->username, &s->name, &t->ca_file, &t->cert_file, &t->key_file, &t->name};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        alloc_free(*texts[i]);
        *texts[i] = NULL;
    }
    credentials_wipe(s->password);
    s->password = NULL;
}
