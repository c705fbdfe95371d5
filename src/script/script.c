/* Scripts: a source, and the need that goes with every call of it. Pure.
 *
 * Invariant: a script does not change after vouch_script_new, so that any thread may read it. */
#include "script/script.h"

#include "base/alloc.h"
#include "base/error.h"
#include "script/trust.h"

#include <stdio.h>
#include <string.h>

/* Behind each source, so that its digest is nobody else's: what others EVAL may be evicted. */
static const char comment[] = "\n--vouch";

/* Of Redis; of Valkey. */
static const char *const missing[] = {"NOSCRIPT No matching script. Please use EVAL.",
                                      "NOSCRIPT No matching script.", NULL};

char *encode_words(const vouch_arg *words, size_t n, size_t *size)
{
    struct vouch_batch b = {.own = true};
    if (vouch_batch_addv(&b, vouch_args_of(words, n)) == VOUCH_NO_COMMAND) {
        batch_release(&b);
        return NULL;
    }
    *size = b.size;
    alloc_free(b.ends);
    return b.bytes;
}

/* SCRIPT EXISTS: an array of one integer. */
static bool is_there(const struct need *need, const struct vouch_reply *reply)
{
    int64_t there = 0;
    (void)need;
    return vouch_reply_int64(vouch_reply_at(reply, 0), &there) && there == 1;
}

/* "#!lua flags=no-writes,…" */
static bool says_no_writes(const char *source, size_t size)
{
    static const char flag[] = "no-writes";
    const char *end = memchr(source, '\n', size);
    size_t n = end ? (size_t)(end - source) : size, f = sizeof flag - 1;
    if (n < 2 || memcmp(source, "#!", 2) != 0)
        return false;
    for (size_t i = 1; i + f <= n; i++)
        if (memcmp(source + i, flag, f) == 0 && (source[i - 1] == '=' || source[i - 1] == ',') &&
            (i + f == n || strchr(", \r", source[i + f])))
            return true;
    return false;
}

static vouch_status check(size_t size, const vouch_script_options *o, vouch_error *e)
{
    if (!size)
        return error_set(e, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "the source is empty");
    if (o->size != sizeof *o)
        return error_set(e, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                         "options->size: not set by VOUCH_SCRIPT_OPTIONS_INIT");
    if (size > VOUCH_SCRIPT_MAX_BYTES)
        return error_set(e, VOUCH_ELIMIT, VOUCH_CAUSE_LIMIT,
                         "the source is longer than VOUCH_SCRIPT_MAX_BYTES");
    if (o->name && strlen(o->name) >= VOUCH_SCRIPT_NAME_MAX)
        return error_set(e, VOUCH_ELIMIT, VOUCH_CAUSE_LIMIT,
                         "options->name: longer than VOUCH_SCRIPT_NAME_MAX");
    return VOUCH_OK;
}

/* Digest, name and the need's commands, of what is sent. */
static bool make_need(struct vouch_script *s, const char *text, size_t size, const char *name)
{
    unsigned char digest[DIGEST_BYTES];
    if (!digest_of(text, size, digest))
        return false;
    digest_write(digest, s->digest);
    (void)snprintf(s->name, sizeof s->name, "%.*s", name ? VOUCH_SCRIPT_NAME_MAX - 1 : 8,
                   name ? name : s->digest);
    vouch_arg load[] = {vouch_text("SCRIPT"), vouch_text("LOAD"), vouch_bytes(text, size)};
    vouch_arg ask[] = {vouch_text("SCRIPT"), vouch_text("EXISTS"), vouch_text(s->digest)};
    struct need *n = &s->need;
    s->load = encode_words(load, 3, &n->load_size);
    s->ask = encode_words(ask, 3, &n->ask_size);
    n->digest = digest_short(digest);
    n->load = s->load;
    n->ask = s->ask;
    n->missing = missing;
    n->is_there = is_there;
    (void)snprintf(n->name, sizeof n->name, "SCRIPT LOAD %s", s->name);
    return s->load && s->ask;
}

vouch_status vouch_script_new(const char *source, size_t size, const vouch_script_options *options,
                              vouch_script **out, vouch_error *error)
{
    static const vouch_script_options none = VOUCH_SCRIPT_OPTIONS_INIT;
    const vouch_script_options *o = options ? options : &none;
    error_clear(error);
    if (!out)
        return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "out is NULL");
    *out = NULL;
    if (!source)
        return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "the source is NULL");
    size = size ? size : strlen(source);
    vouch_status status = check(size, o, error);
    if (status)
        return status;
    size_t more = o->as_is ? 0 : sizeof comment - 1;
    struct vouch_script *s = alloc_zeroed(1, sizeof *s);
    char *text = alloc_get(size + more);
    bool made = s && text;
    if (made) {
        memcpy(text, source, size);
        memcpy(text + size, comment, more);
        s->readonly = o->readonly || says_no_writes(source, size);
        s->need.honest = o->honest || !script_can_forge(source, size);
        made = make_need(s, text, size + more, o->name);
    }
    alloc_free(text);
    if (!made) {
        vouch_script_free(s);
        return error_set(error, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY, "out of memory for a script");
    }
    *out = s;
    return VOUCH_OK;
}

void vouch_script_free(vouch_script *s)
{
    if (!s)
        return;
    alloc_free(s->load);
    alloc_free(s->ask);
    alloc_free(s);
}

const char *vouch_script_digest(const vouch_script *s)
{
    return s ? s->digest : NULL;
}

const char *vouch_script_name(const vouch_script *s)
{
    return s ? s->name : NULL;
}

bool vouch_script_is_honest(const vouch_script *s)
{
    return s && (s->need.honest || s->readonly);
}
