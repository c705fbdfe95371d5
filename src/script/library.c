/* Libraries: a source, its functions, and the needs that go with calls of them. Pure.
 *
 * Invariant: a library does not change after vouch_library_new, so that any thread may read it. */
#include "script/library.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/number.h"

#include <stdio.h>
#include <string.h>

static const char *const missing[] = {"ERR Function not found", NULL};

/* ---- what servers say ----------------------------------------------------------------------- */

static bool is_text(const struct vouch_reply *reply, const char *text)
{
    vouch_string v = vouch_reply_string(reply);
    return v.data && v.size == strlen(text) && memcmp(v.data, text, v.size) == 0;
}

static bool is_same_letter(char a, char b)
{
    bool letter = (a >= 'a' && a <= 'z') || (a >= 'A' && a <= 'Z');
    return a == b || (letter && (a ^ 0x20) == b);
}

const struct vouch_reply *library_find(const struct vouch_reply *list, const char *name)
{
    for (size_t i = 0; i < vouch_reply_count(list); i++) {
        const struct vouch_reply *l = vouch_reply_at(list, i);
        if (is_text(vouch_reply_get(l, "library_name"), name))
            return l;
    }
    return NULL;
}

/* Servers do not mind the case of functions' names, as they do that of libraries. */
static bool is_same_function(vouch_string a, vouch_string b)
{
    size_t i = 0;
    while (i < a.size && i < b.size && is_same_letter(a.data[i], b.data[i]))
        i++;
    return i == a.size && i == b.size;
}

bool library_has(const struct vouch_reply *library, vouch_string function)
{
    const struct vouch_reply *functions = vouch_reply_get(library, "functions");
    for (size_t i = 0; i < vouch_reply_count(functions); i++) {
        const struct vouch_reply *f = vouch_reply_at(functions, i);
        vouch_string name = vouch_reply_string(vouch_reply_get(f, "name"));
        if (is_same_function(name, function))
            return true;
    }
    return false;
}

/* In whatever library: that one is called. */
static bool function_is_there(const struct need *need, const struct vouch_reply *reply)
{
    const struct function *f = (const struct function *)need;
    for (size_t i = 0; i < vouch_reply_count(reply); i++)
        if (library_has(vouch_reply_at(reply, i), f->name))
            return true;
    return false;
}

static bool library_is_there(const struct need *need, const struct vouch_reply *reply)
{
    const struct vouch_library *l = (const struct vouch_library *)need;
    return library_find(reply, l->name) != NULL;
}

void library_version_write(const struct library_version *version,
                           char out[static LIBRARY_VERSION_TEXT])
{
    size_t at = 0;
    for (uint32_t i = 0; i < version->count; i++) {
        if (i)
            out[at++] = '.';
        at += number_write_u64(out + at, version->part[i]);
    }
    out[at] = 0;
}

/* ---- making --------------------------------------------------------------------------------- */

static vouch_status no_memory(vouch_error *error)
{
    return error_set(error, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY, "out of memory for a library");
}

/* The needs' commands, and what all needs have in common. */
static bool make_need(struct vouch_library *l)
{
    unsigned char digest[DIGEST_BYTES];
    struct need *n = &l->need;
    if (!digest_of(l->source, l->size, digest))
        return false;
    vouch_arg load[] = {vouch_text("FUNCTION"), vouch_text("LOAD"),
                        vouch_bytes(l->source, l->size)};
    /* All of them: a function that another library has is there, and was called. */
    vouch_arg ask[] = {vouch_text("FUNCTION"), vouch_text("LIST")};
    l->load = encode_words(load, 3, &n->load_size);
    l->ask = encode_words(ask, 2, &n->ask_size);
    n->digest = digest_short(digest);
    n->load = l->load;
    n->ask = l->ask;
    n->missing = missing;
    n->there_already = l->there_already;
    n->is_there = library_is_there;
    (void)snprintf(n->name, sizeof n->name, "FUNCTION LOAD %s", l->name);
    return l->load && l->ask;
}

/* What has the library's name in it. */
static bool make_names(struct vouch_library *l)
{
    static const char there[] = "ERR Library '%.*s' already exists", guard[] = "vouch:library:%.*s";
    size_t n = l->told.name_size;
    int size = (int)n; /* below VOUCH_SCRIPT_MAX_BYTES */
    l->name = alloc_copy(l->told.name, n);
    l->there_already = alloc_get(n + sizeof there);
    l->guard = alloc_get(n + sizeof guard);
    if (!l->name || !l->there_already || !l->guard)
        return false;
    (void)snprintf(l->there_already, n + sizeof there, there, size, l->told.name);
    (void)snprintf(l->guard, n + sizeof guard, guard, size, l->told.name);
    return true;
}

static bool make_functions(struct vouch_library *l)
{
    size_t n = l->told.count;
    l->functions = n ? alloc_zeroed(n, sizeof *l->functions) : NULL;
    if (n && !l->functions)
        return false;
    for (size_t i = 0; i < n; i++) {
        struct function *f = &l->functions[i];
        f->need = l->need;
        f->need.is_there = function_is_there;
        f->no_writes = l->told.functions[i].no_writes;
        f->name = (vouch_string){l->told.functions[i].name, l->told.functions[i].size};
    }
    return true;
}

static vouch_status check(const char *source, size_t size, const vouch_library_options *o,
                          vouch_error *e)
{
    if (!source)
        return error_set(e, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "the source is NULL");
    if (o->size != sizeof *o)
        return error_set(e, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                         "options->size: not set by VOUCH_LIBRARY_OPTIONS_INIT");
    if (size > VOUCH_SCRIPT_MAX_BYTES)
        return error_set(e, VOUCH_ELIMIT, VOUCH_CAUSE_LIMIT,
                         "the source is longer than VOUCH_SCRIPT_MAX_BYTES");
    return VOUCH_OK;
}

vouch_status vouch_library_new(const char *source, size_t size,
                               const vouch_library_options *options, vouch_library **out,
                               vouch_error *error)
{
    static const vouch_library_options none = VOUCH_LIBRARY_OPTIONS_INIT;
    const vouch_library_options *o = options ? options : &none;
    error_clear(error);
    if (!out)
        return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "out is NULL");
    *out = NULL;
    size = source && !size ? strlen(source) : size;
    vouch_status status = check(source, size, o, error);
    if (status)
        return status;
    struct vouch_library *l = alloc_zeroed(1, sizeof *l);
    if (!l)
        return no_memory(error);
    l->source = alloc_copy(source, size);
    l->size = size;
    /* Not read off the source, as a script's: what runs is what the server has under the name, which may
     * be another version, and that one may answer what it likes. */
    l->need.honest = o->honest;
    status = l->source ? library_source_read(&l->told, l->source, size, error) : no_memory(error);
    if (!status && (!make_names(l) || !make_need(l) || !make_functions(l)))
        status = no_memory(error);
    library_version_write(&l->told.version, l->version);
    if (status)
        vouch_library_free(l);
    else
        *out = l;
    return status;
}

void vouch_library_free(vouch_library *l)
{
    if (!l)
        return;
    library_source_free(&l->told);
    alloc_free(l->source);
    alloc_free(l->name);
    alloc_free(l->there_already);
    alloc_free(l->guard);
    alloc_free(l->load);
    alloc_free(l->ask);
    alloc_free(l->functions);
    alloc_free(l);
}

const char *vouch_library_name(const vouch_library *l)
{
    return l ? l->name : NULL;
}

const char *vouch_library_version(const vouch_library *l)
{
    return l ? l->version : NULL;
}

bool vouch_library_is_honest(const vouch_library *l)
{
    return l && l->need.honest;
}

/* ---- calls ---------------------------------------------------------------------------------- */

const struct need *library_need(const struct vouch_library *l, const char *function,
                                bool *no_writes, vouch_error *error)
{
    *no_writes = false;
    if (!l || !function) {
        (void)error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "the %s is NULL",
                        l ? "function" : "library");
        return NULL;
    }
    size_t n = strlen(function);
    for (size_t i = 0; i < l->told.count; i++) {
        if (l->functions[i].name.size != n || memcmp(l->functions[i].name.data, function, n) != 0)
            continue;
        *no_writes = l->functions[i].no_writes;
        return &l->functions[i].need;
    }
    if (!l->told.complete)
        return &l->need;
    (void)error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "library %s registers no function '%s'",
                    l->name, function);
    return NULL;
}

size_t vouch_batch_add_function(vouch_batch *b, const vouch_library *l, const char *function,
                                vouch_args keys, vouch_args args)
{
    bool no_writes = false;
    vouch_error e;
    const struct need *need = library_need(l, function, &no_writes, &e);
    if (!need)
        return batch_fail(b, e.status, e.cause, e.message);
    return add_call(b, no_writes ? "FCALL_RO" : "FCALL", vouch_text(function), keys, args, need);
}
