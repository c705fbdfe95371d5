/* Libraries in versions, and what the server has of them. */
#include "shelf.h"

#include <stdio.h>
#include <string.h>

const char *shelf_source(char out[static SHELF_SOURCE_MAX], const char *version)
{
    (void)snprintf(out, SHELF_SOURCE_MAX,
                   "#!lua name=bank\n%s%s\n"
                   "redis.register_function('deposit', function(keys, args)\n"
                   "  return redis.call('INCRBY', keys[1], args[1])\n"
                   "end)\n"
                   "redis.register_function('version', function() return '%s' end)\n",
                   version[0] ? "-- version: " : "", version, version);
    return out;
}

vouch_library *shelf_library(const char *source, const vouch_library_options *options)
{
    vouch_library *l = NULL;
    vouch_error e;
    shelf_expect(vouch_library_new(source, 0, options, &l, &e), VOUCH_OK, e);
    return l;
}

vouch_library *shelf_version(const char *version)
{
    char source[SHELF_SOURCE_MAX];
    return shelf_library(shelf_source(source, version), NULL);
}

static const char *field(const ts_reply *library, const char *name)
{
    for (size_t i = 0; i + 1 < library->count; i += 2)
        if (strcmp(library->elements[i]->text, name) == 0)
            return library->elements[i + 1]->text;
    return NULL;
}

/* Of that very name: servers list those whose names differ in case as well. NULL: there is none. */
static const ts_reply *find(const ts_reply *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(field(list->elements[i], "library_name"), name) == 0)
            return list->elements[i];
    return NULL;
}

const char *shelf_there(const ts_server *server)
{
    static char version[64];
    ts_reply *r = ts_command(server, "FUNCTION", "LIST", "LIBRARYNAME", "bank", "WITHCODE", NULL);
    ck_assert_msg(r->type == TS_REPLY_ARRAY, "the truth cannot be asked: %s", r->text);
    const ts_reply *found = find(r, "bank");
    const char *code = found ? field(found, "library_code") : NULL;
    const char *stated = code ? strstr(code, "-- version: ") : NULL;
    (void)snprintf(version, sizeof version, "%s", code ? "?" : "-");
    if (stated)
        (void)sscanf(stated, "-- version: %63[^\n]", version);
    ts_reply_free(r);
    return version;
}

bool shelf_has(const ts_server *server, const char *name)
{
    ts_reply *r = ts_command(server, "FUNCTION", "LIST", "LIBRARYNAME", name, NULL);
    ck_assert_msg(r->type == TS_REPLY_ARRAY, "the truth cannot be asked: %s", r->text);
    bool there = find(r, name) != NULL;
    ts_reply_free(r);
    return there;
}

void shelf_put(const ts_server *server, const char *source)
{
    ts_do(server, "FUNCTION", "LOAD", "REPLACE", source, NULL);
}

void shelf_put_version(const ts_server *server, const char *version)
{
    char source[SHELF_SOURCE_MAX];
    shelf_put(server, shelf_source(source, version));
}

void shelf_clear(const ts_server *server)
{
    ts_do(server, "FUNCTION", "FLUSH", "SYNC", NULL);
}
