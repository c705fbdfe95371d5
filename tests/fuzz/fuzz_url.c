/* URLs and options: what is accepted lies within the documented ranges, what is refused leaves
 * nothing behind and repeats no secret.
 *
 * The input is text: the URL on the first line, then options, "field=value" each. A password in the
 * corpus holds the word SECRET, which no message may show. */
#include "fuzz.h"

#include "client/settings.h"
#include "client/url.h"

#include <stdbool.h>

#define SECRET     "s3cr3t"
#define TEXT_LINES 8

/* ---- parts ---------------------------------------------------------------------------------- */

static void check_decoding(struct url_text part)
{
    static const char digits[] = "0123456789abcdef";
    char out[URL_MAX + 1], encoded[3 * URL_MAX + 1], again[URL_MAX + 1];
    if (url_decode(part, out, sizeof out))
        return;
    size_t n = strlen(out);
    FUZZ_CHECK(n <= part.n);
    for (size_t i = 0; i < n; i++) {
        encoded[3 * i] = '%';
        encoded[3 * i + 1] = digits[(unsigned char)out[i] / 16];
        encoded[3 * i + 2] = digits[(unsigned char)out[i] % 16];
    }
    struct url_text same = {encoded, 3 * n};
    FUZZ_CHECK(url_decode(same, again, n + 1) == NULL && memcmp(out, again, n + 1) == 0);
    FUZZ_CHECK(n == 0 || url_decode(same, again, n) != NULL);
}

static void check_part(struct url_text part, const char *text, size_t size)
{
    if (!part.at)
        return;
    FUZZ_CHECK(part.at >= text && part.at <= text + size);
    FUZZ_CHECK(part.n <= (size_t)(text + size - part.at));
    check_decoding(part);
}

static void check_split(const char *text)
{
    struct url u;
    size_t size = strlen(text);
    const char *fault = url_split(text, &u);
    FUZZ_CHECK(fault || size <= URL_MAX);
    FUZZ_CHECK(!fault || *fault);
    if (fault)
        return;
    check_part(u.user, text, size);
    check_part(u.password, text, size);
    check_part(u.host, text, size);
    check_part(u.port, text, size);
    check_part(u.path, text, size);
    FUZZ_CHECK(u.local ? u.path.n > 0 : u.host.n > 0);
    FUZZ_CHECK(!u.local || !u.tls);
    FUZZ_CHECK(!u.user.at || u.password.at);
    FUZZ_CHECK(u.option_count <= URL_OPTIONS_MAX);
    for (size_t i = 0; i < u.option_count; i++) {
        check_part(u.options[i].name, text, size);
        check_part(u.options[i].value, text, size);
    }
}

/* ---- options -------------------------------------------------------------------------------- */

/* "field=value" on a line; what is not known is left out. */
static bool no_credentials(vouch_credentials *out, void *user)
{
    (void)out;
    (void)user;
    return false;
}

static void set_option(vouch_client_options *o, const char *line)
{
    const char *value = strchr(line, '=');
    if (!value)
        return;
    size_t n = (size_t)(value++ - line);
    long long number = strtoll(value, NULL, 10);
#define IS(field) (n == sizeof #field - 1 && memcmp(line, #field, n) == 0)
#define TEXT(field)                                                                                \
    if (IS(field))                                                                                 \
        o->field = value;
#define NUMBER(field, type)                                                                        \
    if (IS(field))                                                                                 \
        o->field = (type)number;
    /* clang-format off */
    TEXT(username) TEXT(password) TEXT(name)
    TEXT(tls_ca_file) TEXT(tls_cert_file) TEXT(tls_key_file) TEXT(tls_name)
    NUMBER(size, uint32_t) NUMBER(protocol, uint32_t) NUMBER(lazy, uint32_t)
    NUMBER(outages, uint32_t) NUMBER(database, uint32_t) NUMBER(connect_ms, int64_t)
    NUMBER(deadline_ms, int64_t) NUMBER(stall_ms, int64_t) NUMBER(retry_min_ms, int64_t)
    NUMBER(retry_max_ms, int64_t) NUMBER(window_commands, uint32_t) NUMBER(window_bytes, size_t)
    NUMBER(reply_max_bytes, size_t) NUMBER(reply_max_elements, size_t)
    NUMBER(reply_max_depth, uint32_t) NUMBER(tls_verify, uint32_t) NUMBER(tls_min, uint32_t)
        /* clang-format on */
        if (IS(credentials)) o->credentials = number ? no_credentials : NULL;
#undef NUMBER
#undef TEXT
#undef IS
}

/* ---- settings ------------------------------------------------------------------------------- */

static void check_login_and_tls(const struct settings *s)
{
    const struct tls_settings *t = &s->tls;
    FUZZ_CHECK(!s->credentials || (!s->username && !s->password));
    FUZZ_CHECK(!s->endpoint.tls || !s->endpoint.local);
    FUZZ_CHECK(t->verify <= VOUCH_TLS_VERIFY_NONE && (!t->min || t->min == 12 || t->min == 13));
    FUZZ_CHECK(!t->key_file || t->cert_file);
    FUZZ_CHECK(s->endpoint.tls ||
               (!t->verify && !t->min && !t->ca_file && !t->cert_file && !t->key_file && !t->name));
}

static void check_accepted(const struct settings *s, const vouch_client_options *o)
{
    FUZZ_CHECK(memchr(s->endpoint.host, 0, ENDPOINT_HOST_MAX) != NULL && s->endpoint.host[0]);
    FUZZ_CHECK(!s->endpoint.local || strlen(s->endpoint.host) < ENDPOINT_PATH_MAX);
    FUZZ_CHECK(s->endpoint.port > 0);
    FUZZ_CHECK(s->greeting.protocol == 2 || s->greeting.protocol == 3);
    FUZZ_CHECK(s->greeting.database <= INT32_MAX);
    FUZZ_CHECK(s->greeting.username == s->username && s->greeting.password == s->password);
    FUZZ_CHECK(!s->name || strlen(s->name) <= 255);
    FUZZ_CHECK(s->connect_ms >= 1 && s->connect_ms <= 86400000);
    FUZZ_CHECK(s->deadline_ms > 0 || s->deadline_ms == VOUCH_NO_DEADLINE);
    FUZZ_CHECK(s->stall_ms > 0 || s->stall_ms == VOUCH_NO_DEADLINE);
    FUZZ_CHECK(s->retry_min_ms >= 1 && s->retry_max_ms >= s->retry_min_ms);
    FUZZ_CHECK(s->window_commands >= 1 && s->window_commands <= VOUCH_WINDOW_MAX_COMMANDS);
    FUZZ_CHECK(s->window_bytes >= 1 && s->outages >= 1);
    FUZZ_CHECK(s->limits.bytes && s->limits.elements);
    FUZZ_CHECK(s->limits.depth >= 1 && s->limits.depth <= READER_DEPTH_MAX);
    check_login_and_tls(s);
    if (!o)
        return;
    FUZZ_CHECK(!o->tls_verify || s->tls.verify == o->tls_verify);
    FUZZ_CHECK(!o->tls_name || strcmp(s->tls.name, o->tls_name) == 0);
    FUZZ_CHECK(!o->username || strcmp(s->username, o->username) == 0);
    FUZZ_CHECK(!o->password || strcmp(s->password, o->password) == 0);
    FUZZ_CHECK(!o->database || s->greeting.database == o->database);
    FUZZ_CHECK(!o->protocol || s->greeting.protocol == o->protocol);
    FUZZ_CHECK(!o->deadline_ms || s->deadline_ms == o->deadline_ms);
}

static void check_refused(const struct settings *s, vouch_status status, const vouch_error *e)
{
    FUZZ_CHECK(status == VOUCH_EINVAL && e->status == status);
    FUZZ_CHECK(e->effect == VOUCH_NOT_APPLIED);
    FUZZ_CHECK(e->message[0] && !strstr(e->message, SECRET));
    FUZZ_CHECK(!s->username && !s->password && !s->name);
    FUZZ_CHECK(!s->tls.ca_file && !s->tls.cert_file && !s->tls.key_file && !s->tls.name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = fuzz_input(data, size);
    char *url = fuzz_line(&in), *lines[TEXT_LINES];
    vouch_client_options options = VOUCH_CLIENT_OPTIONS_INIT;
    size_t count = 0;
    for (; count < TEXT_LINES && fuzz_left(&in); count++) {
        lines[count] = fuzz_line(&in);
        set_option(&options, lines[count]);
    }
    const vouch_client_options *o = count ? &options : NULL;
    check_split(url);
    struct settings s;
    vouch_error e;
    vouch_status status = settings_read(&s, url, o, &e);
    if (status)
        check_refused(&s, status, &e);
    else
        check_accepted(&s, o);
    settings_free(&s);
    free(url);
    for (size_t i = 0; i < count; i++)
        free(lines[i]);
    return 0;
}
