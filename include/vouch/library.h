/* vouch/library.h: function libraries that are there when their functions are called.
 *
 * A library is a Lua source that begins with "#!lua name=…" and registers functions. Servers keep
 * libraries with their data: they are persisted and replicated, and stay until somebody replaces them.
 * That makes two things of what is one with scripts:
 *   - installing: which version a server has is decided once, by whoever deploys it
 *     (vouch_library_install, with a policy);
 *   - calling: a function that is missing, as after FLUSHALL of an empty replacement or a restart without
 *     persistence, is loaded again by vouch, but never over a library of that name that is there: if that
 *     one lacks the function, the call is refused and the message says so.
 * All that vouch/script.h says of calls and errors holds for functions: FCALL in place of EVALSHA, FUNCTION
 * LOAD in place of SCRIPT LOAD, "Function not found" in place of NOSCRIPT. Functions whose flags say
 * no-writes are called by FCALL_RO. One thing differs: what can answer with an error of its own making is
 * not read off the source, since the server may have another version of it, and that one runs. So an error
 * in the server's own words is MAYBE_APPLIED, and "Function not found" is believed only after the server
 * was asked whether it has the function, unless options->honest says that no version forges any.
 */
#ifndef VOUCH_LIBRARY_H
#define VOUCH_LIBRARY_H

#include <vouch/script.h>

VOUCH_BEGIN

/* A library's source, and what is known of it. Never changes: any number of threads, clients and batches
 * may use it at once. It must outlive the batches that hold its calls, and the operations. */
typedef struct vouch_library vouch_library;

#define VOUCH_LIBRARY_MAX_FUNCTIONS 1024 /* that a source may register */

/* What the caller says of a library. Begin with VOUCH_LIBRARY_OPTIONS_INIT. */
typedef struct vouch_library_options {
    uint32_t size;   /* set by the initialiser */
    uint32_t honest; /* 1: its functions never return an error that they made or caught, and raise
                        none that is a table, in this version and in all that a server may have */
} vouch_library_options;

/* Every default. */
#define VOUCH_LIBRARY_OPTIONS_INIT                                                                 \
    {                                                                                              \
        sizeof(vouch_library_options), 0                                                           \
    }

/* A library of `size` bytes of Lua, copied; 0: up to the NUL. Its name is read off the first line, the
 * names of its functions off redis.register_function, its version off a comment of its own ahead of the
 * code, "-- version: 1.2.3", if there is one. `options` may be NULL.
 *   VOUCH_OK      *out is the caller's, to be released with vouch_library_free
 *   VOUCH_EINVAL  NULL, empty, an option is wrong; no "#!lua name=…", a bad name or version: the message
 *                 says what, and in which line
 *   VOUCH_ELIMIT  longer than VOUCH_SCRIPT_MAX_BYTES, or more functions than VOUCH_LIBRARY_MAX_FUNCTIONS
 *   VOUCH_ENOMEM */
VOUCH_API VOUCH_MUST vouch_status vouch_library_new(const char *source, size_t size,
                                                    const vouch_library_options *options,
                                                    vouch_library **out, vouch_error *error);
/* NULL is allowed. */
VOUCH_API void vouch_library_free(vouch_library *library);
/* Borrowed from the library. */
VOUCH_API const char *vouch_library_name(const vouch_library *library);
/* "1.2.3"; "" if the source states none. Borrowed likewise. */
VOUCH_API const char *vouch_library_version(const vouch_library *library);
/* True if an error of its functions in the server's own words is taken for the server's. */
VOUCH_API bool vouch_library_is_honest(const vouch_library *library);

/* ---- calls ---------------------------------------------------------------------------------- */

/* Calls a function of the library; as vouch_script_call otherwise. VOUCH_EINVAL also if the library
 * registers no function of that name (as far as that can be read off its source). */
VOUCH_API VOUCH_MUST vouch_status vouch_function_call(
    vouch_client *client, const vouch_library *library, const char *function, vouch_args keys,
    vouch_args args, const vouch_call_options *options, vouch_call **out, vouch_error *error);
/* The same as an operation, which vouch_call_finish finishes. */
VOUCH_API VOUCH_MUST vouch_status vouch_function_start(
    vouch_client *client, const vouch_library *library, const char *function, vouch_args keys,
    vouch_args args, const vouch_call_options *options, vouch_op **out, vouch_error *error);
/* As vouch_batch_add_script; a name that the library does not register is the batch's sticky error. */
VOUCH_API size_t vouch_batch_add_function(vouch_batch *batch, const vouch_library *library,
                                          const char *function, vouch_args keys, vouch_args args);

/* As vouch_tx_queue_script. */
static inline size_t vouch_tx_queue_function(vouch_tx *tx, const vouch_library *library,
                                             const char *function, vouch_args keys, vouch_args args)
{
    vouch_batch *batch = vouch_batch_new();
    size_t index;
    if (batch)
        (void)vouch_batch_add_function(batch, library, function, keys, args);
    index = vouch_tx_queue_batch(tx, batch);
    vouch_batch_free(batch);
    return index;
}

/* ---- installing ----------------------------------------------------------------------------- */

/* What the server has under the library's name. The values are ABI. */
typedef enum vouch_library_state {
    VOUCH_LIBRARY_UNKNOWN = 0,   /* it could not be asked */
    VOUCH_LIBRARY_MISSING = 1,   /* nothing */
    VOUCH_LIBRARY_SAME = 2,      /* this source, byte by byte */
    VOUCH_LIBRARY_DIFFERENT = 3, /* another one */
    VOUCH_LIBRARY_TAKEN =
        4, /* one of its functions' names belongs to another library: no server loads
                                it, whatever the policy */
    VOUCH_LIBRARY_STATE_LAST_ = 0x7fffffff
} vouch_library_state;

/* When to load it. */
typedef enum vouch_install {
    VOUCH_INSTALL_MISSING = 0,   /* if there is none of its name */
    VOUCH_INSTALL_DIFFERENT = 1, /* if it is not this one: replaces it */
    VOUCH_INSTALL_NEWER = 2, /* if the version it states is above that of the one there, or that one
                                states none */
    VOUCH_INSTALL_NEVER = 3, /* only look */
    VOUCH_INSTALL_LAST_ = 0x7fffffff
} vouch_install;

/* What was found, and done. Begin with VOUCH_LIBRARY_REPORT_INIT. */
typedef struct vouch_library_report {
    uint32_t size;             /* set by the initialiser */
    vouch_library_state state; /* before anything was done */
    uint32_t installed;        /* 1: it was loaded by this call */
    uint32_t reserved;
    char version[64];  /* of the one that was there; "" if it stated none */
    char owner[64];    /* TAKEN: the other library … */
    char function[64]; /* … and the name that it has */
} vouch_library_report;

/* Nothing found. */
#define VOUCH_LIBRARY_REPORT_INIT                                                                  \
    {                                                                                              \
        sizeof(vouch_library_report), VOUCH_LIBRARY_UNKNOWN, 0, 0, {0}, {0},                       \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }

/* Looks what the server has, and loads the library by the policy; blocks deadline_ms at most (0: the
 * client's default; or VOUCH_NO_DEADLINE). Two deployments at the same time cannot undo each other: the
 * load is one transaction with the look, guarded by a key, "vouch:library:<name>", which both write.
 * (Needs the rights to FUNCTION LIST and LOAD and to MULTI; DIFFERENT and NEWER also to WATCH, and to
 * that key, which goes after ten minutes.) A server that refuses the new source keeps the old one.
 *   VOUCH_OK        by the policy, all is as it should be; report->installed says whether it was loaded
 *   VOUCH_ESERVER   NOT_APPLIED: the server refused; or its state is TAKEN
 *   VOUCH_EUNKNOWN  MAYBE_APPLIED: it may have been loaded; calling again is safe
 *   VOUCH_ENOTSENT, VOUCH_EINTERRUPTED, VOUCH_ECONFLICT, VOUCH_ENOTATOMIC, VOUCH_EINVAL, VOUCH_EBUSY,
 *   VOUCH_EFORKED, VOUCH_ENOMEM   NOT_APPLIED
 * `report` may be NULL. */
VOUCH_API VOUCH_MUST vouch_status vouch_library_install(vouch_client *client,
                                                        const vouch_library *library,
                                                        vouch_install policy, int64_t deadline_ms,
                                                        vouch_library_report *report,
                                                        vouch_error *error);
/* The same with VOUCH_INSTALL_NEVER. */
VOUCH_API VOUCH_MUST vouch_status vouch_library_status(vouch_client *client,
                                                       const vouch_library *library,
                                                       int64_t deadline_ms,
                                                       vouch_library_report *report,
                                                       vouch_error *error);

#define VOUCH_REQUIRE_MAX 256 /* scripts and libraries of one vouch_client_require */

/* Sees to it, in one round trip, that scripts and libraries are on the server: loads all of them (libraries
 * that are there are left as they are). For the start of a program, so that mistakes in them show there
 * and not in the first call. Blocks, as vouch_library_install.
 *   VOUCH_OK        all are there
 *   VOUCH_ESERVER   the server refused some: error->command is the index of the first, scripts first. All
 *                   that it did not refuse are there
 *   else as vouch_pipeline_run, for SCRIPT LOAD and FUNCTION LOAD */
VOUCH_API VOUCH_MUST vouch_status vouch_client_require(vouch_client *client,
                                                       const vouch_script *const *scripts,
                                                       size_t script_count,
                                                       const vouch_library *const *libraries,
                                                       size_t library_count, int64_t deadline_ms,
                                                       vouch_error *error);

/* ---- all libraries of a server -------------------------------------------------------------- */

/* How libraries of a dump go together with those that are there. */
typedef enum vouch_restore {
    VOUCH_RESTORE_APPEND = 0,  /* refused if one of a name is there */
    VOUCH_RESTORE_REPLACE = 1, /* take the place of those of their names */
    VOUCH_RESTORE_FLUSH = 2,   /* all that were there go */
    VOUCH_RESTORE_LAST_ = 0x7fffffff
} vouch_restore;

/* FUNCTION DUMP: vouch_call_reply has the bytes. Statuses as vouch_script_call. */
VOUCH_API VOUCH_MUST vouch_status vouch_functions_dump(vouch_client *client, int64_t deadline_ms,
                                                       vouch_call **out, vouch_error *error);
/* FUNCTION RESTORE of such bytes: all of it, or nothing. Statuses as vouch_script_call. */
VOUCH_API VOUCH_MUST vouch_status vouch_functions_restore(vouch_client *client, const void *bytes,
                                                          size_t size, vouch_restore how,
                                                          int64_t deadline_ms, vouch_error *error);

VOUCH_END
#endif
