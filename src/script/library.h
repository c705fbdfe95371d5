/* script/library.h: the inside of a library. */
#ifndef SCRIPT_LIBRARY_H
#define SCRIPT_LIBRARY_H

#include "script/library_source.h"
#include "script/script.h"

#include <vouch/library.h>

struct function {
    struct need need;  /* first */
    vouch_string name; /* in the library's source: not NUL-terminated */
    bool no_writes;
};

/* "1.2.3" of eight numbers. */
#define LIBRARY_VERSION_TEXT 96

struct vouch_library {
    struct need need; /* of functions whose names the source does not tell; first */
    struct library_source told;
    char *source;
    size_t size;
    char *name;
    char *there_already; /* what a server says to its load when it has one of that name */
    char *guard;         /* the key that those write who replace it */
    char *load, *ask;    /* the needs' commands */
    char version[LIBRARY_VERSION_TEXT];
    struct function *functions; /* as many as told.count */
};

/* The function of that name: its need, or the library's if the source does not tell all names. NULL, with
 * the error, if it has none of that name. */
const struct need *library_need(const struct vouch_library *l, const char *function,
                                bool *no_writes, vouch_error *error);
/* The map of a library in the reply to FUNCTION LIST; NULL: it is not there. */
const struct vouch_reply *library_find(const struct vouch_reply *list, const char *name);
/* Whether that map has a function of that name. */
bool library_has(const struct vouch_reply *library, vouch_string function);
/* As text; "" for none. */
void library_version_write(const struct library_version *version,
                           char out[static LIBRARY_VERSION_TEXT]);

#endif
