/* script/library_source.h: what the source of a function library states of itself, read as a server reads
 * it. Pure.
 *
 *     #!lua name=counters                            its name: the server's own rule
 *     -- version: 1.2.3                              vouch's rule, optional: see below
 *     redis.register_function('bump', bump)          its functions
 *
 * A source that no server would load is refused here, with the line. */
#ifndef SCRIPT_LIBRARY_SOURCE_H
#define SCRIPT_LIBRARY_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <vouch/error.h>

/* Of a version: its numbers; of a library: different functions. */
#define LIBRARY_VERSION_PARTS 8
#define LIBRARY_FUNCTIONS_MAX 1024

struct library_version {
    uint32_t count; /* 0: none is stated */
    uint32_t part[LIBRARY_VERSION_PARTS];
};

struct library_function {
    const char *name; /* in the source, not NUL-terminated */
    size_t size;
    size_t line;
    bool certain;   /* registered whenever the library is loaded */
    bool no_writes; /* its flags are known, and say so: FCALL_RO may call it */
};

struct library_source {
    const char *name; /* in the source, not NUL-terminated */
    size_t name_size;
    struct library_version version;
    struct library_function *functions; /* each name once, by first appearance */
    size_t count;
    /* True: the functions are these and no others. False: some are registered under a name that is
     * computed, or in a way that is not understood, or perhaps not at all. */
    bool complete;
};

/* Borrows the source until library_source_free. A version is stated by a comment that has a line for itself
 * before the first word of code: "-- version: 1.2.3", the colon may be missing. A second one, or one with a
 * colon that is none, is an error. Statuses: EINVAL, ELIMIT, ENOMEM; then *out is empty. */
vouch_status library_source_read(struct library_source *out, const char *source, size_t size,
                                 vouch_error *e);
void library_source_free(struct library_source *library);

/* Negative, 0 or positive as a is older than b, the same, or newer. Parts that are missing are 0, so 1.2 is
 * 1.2.0; and none at all is older than any. */
int library_version_compare(const struct library_version *a, const struct library_version *b);

/* The version alone, whatever else is in the source. Statuses: EINVAL, ELIMIT. */
vouch_status library_version_read(struct library_version *out, const char *source, size_t size,
                                  vouch_error *e);

/* ---- for library_source.c alone ------------------------------------------------------------- */

/* Fills in the functions, their count, and whether they are all. */
vouch_status library_functions_read(struct library_source *out, const char *source, size_t size,
                                    vouch_error *e);

#endif
