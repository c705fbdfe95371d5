/* The public calls about libraries. Like api.c it knows a client with its driver: it checks, starts
 * operations and waits for them. */
#include "base/error.h"
#include "client/driver.h"
#include "script/api.h"
#include "script/install.h"
#include "script/library.h"

#include <string.h>

static vouch_status null_argument(vouch_error *error, const char *what)
{
    return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "%s is NULL", what);
}

/* ---- calls ---------------------------------------------------------------------------------- */

vouch_status vouch_function_start(vouch_client *client, const vouch_library *library,
                                  const char *function, vouch_args keys, vouch_args args,
                                  const vouch_call_options *options, vouch_op **out,
                                  vouch_error *error)
{
    vouch_error local = {.status = VOUCH_OK};
    bool no_writes = false;
    error = error ? error : &local;
    error_clear(error);
    if (!out)
        return null_argument(error, "out");
    *out = NULL;
    vouch_status status = client_usable(client, error);
    if (status)
        return status;
    const struct need *need = library_need(library, function, &no_writes, error);
    if (!need)
        return error->status;
    struct callee callee = {no_writes ? "FCALL_RO" : "FCALL", vouch_text(function), need, no_writes,
                            library->name};
    return api_start(client, &callee, keys, args, options, out, error);
}

vouch_status vouch_function_call(vouch_client *client, const vouch_library *library,
                                 const char *function, vouch_args keys, vouch_args args,
                                 const vouch_call_options *options, vouch_call **out,
                                 vouch_error *error)
{
    vouch_op *op = NULL;
    if (out)
        *out = NULL;
    vouch_status status =
        vouch_function_start(client, library, function, keys, args, options, &op, error);
    return status ? status : vouch_call_finish(op, out, error);
}

/* ---- installing ----------------------------------------------------------------------------- */

/* Others that install the same at the same time can make us look again: so often. */
#define LOOKS_MAX 8

static vouch_status install_once(vouch_client *client, const vouch_library *library,
                                 vouch_install policy, int64_t deadline_ms,
                                 vouch_library_report *report, bool *again, vouch_error *error)
{
    *again = false;
    client->core.now = client_now();
    struct vouch_op *op = install_new(&client->core, client, library, policy, deadline_ms, error);
    if (!op)
        return error->status;
    vouch_status status = client_start(client, op, error);
    if (status) {
        install_free(op);
        return status;
    }
    client_drive(client, op);
    core_end(&client->core, op);
    return install_finish(op, false, report, again, error);
}

/* What is left of a deadline that was found good; 0: nothing. */
static int64_t time_left(const vouch_client *client, int64_t deadline_ms, int64_t began)
{
    int64_t ms = deadline_ms ? deadline_ms : client->core.settings.deadline_ms;
    int64_t passed = (client_now() - began) / 1000;
    return ms == VOUCH_NO_DEADLINE ? ms : passed < ms ? ms - passed : 0;
}

vouch_status vouch_library_install(vouch_client *client, const vouch_library *library,
                                   vouch_install policy, int64_t deadline_ms,
                                   vouch_library_report *report, vouch_error *error)
{
    vouch_error local = {.status = VOUCH_OK};
    vouch_library_report mine = VOUCH_LIBRARY_REPORT_INIT;
    bool again = true;
    error = error ? error : &local;
    report = report ? report : &mine;
    error_clear(error);
    vouch_status status = client_usable(client, error);
    if (status)
        return status;
    if (!library)
        return null_argument(error, "the library");
    if (report->size != sizeof *report)
        return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                         "report->size: not set by VOUCH_LIBRARY_REPORT_INIT");
    if ((unsigned)policy > VOUCH_INSTALL_NEVER)
        return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                         "the policy is none of vouch_install");
    *report = mine;
    int64_t began = client_now(), left = deadline_ms;
    for (int i = 0; again && i < LOOKS_MAX; i++) {
        status = install_once(client, library, policy, left, report, &again, error);
        left = time_left(client, deadline_ms, began);
        again = again && left;
    }
    return status;
}

vouch_status vouch_library_status(vouch_client *client, const vouch_library *library,
                                  int64_t deadline_ms, vouch_library_report *report,
                                  vouch_error *error)
{
    return vouch_library_install(client, library, VOUCH_INSTALL_NEVER, deadline_ms, report, error);
}

/* ---- requiring ------------------------------------------------------------------------------ */

/* The needs, scripts first; false if one is NULL. */
static bool gather(const struct need **needs, const vouch_script *const *scripts, size_t n,
                   const vouch_library *const *libraries, size_t m)
{
    for (size_t i = 0; i < n; i++) {
        if (!scripts[i])
            return false;
        needs[i] = &scripts[i]->need;
    }
    for (size_t i = 0; i < m; i++) {
        if (!libraries[i])
            return false;
        needs[n + i] = &libraries[i]->need;
    }
    return true;
}

static vouch_status ensure(vouch_client *client, struct vouch_batch *b,
                           const struct need *const *needs, int64_t deadline_ms, vouch_error *error)
{
    client->core.now = client_now();
    struct vouch_op *op = ensure_new(&client->core, b, needs, deadline_ms, error);
    if (!op)
        return error->status;
    vouch_status status = client_start(client, op, error);
    if (status) {
        ensure_free(op);
        return status;
    }
    client_drive(client, op);
    core_end(&client->core, op);
    return ensure_finish(op, error);
}

vouch_status vouch_client_require(vouch_client *client, const vouch_script *const *scripts,
                                  size_t script_count, const vouch_library *const *libraries,
                                  size_t library_count, int64_t deadline_ms, vouch_error *error)
{
    vouch_error local = {.status = VOUCH_OK};
    vouch_call_options o = VOUCH_CALL_OPTIONS_INIT;
    struct vouch_batch b = {.own = true};
    const struct need *needs[VOUCH_REQUIRE_MAX];
    error = error ? error : &local;
    error_clear(error);
    vouch_status status = client_usable(client, error);
    if (status)
        return status;
    if ((script_count && !scripts) || (library_count && !libraries))
        return null_argument(error, script_count && !scripts ? "scripts" : "libraries");
    o.deadline_ms = deadline_ms;
    status = call_check(&o, error);
    if (status)
        return status;
    if (script_count > VOUCH_REQUIRE_MAX || library_count > VOUCH_REQUIRE_MAX - script_count)
        return error_set(error, VOUCH_ELIMIT, VOUCH_CAUSE_LIMIT, "more than VOUCH_REQUIRE_MAX");
    size_t n = script_count + library_count;
    if (!n)
        return VOUCH_OK;
    if (!gather(needs, scripts, script_count, libraries, library_count))
        return null_argument(error, "a script or library");
    for (size_t i = 0; i < n; i++)
        (void)batch_put(&b, needs[i]->load, needs[i]->load_size);
    status = vouch_batch_error(&b, error);
    if (!status)
        status = ensure(client, &b, needs, deadline_ms, error);
    batch_release(&b);
    return status;
}

/* ---- all libraries of a server -------------------------------------------------------------- */

static vouch_status run_words(vouch_client *client, const vouch_arg *words, size_t n,
                              int64_t deadline_ms, const char *name, bool readonly,
                              vouch_call **out, vouch_error *error)
{
    vouch_error local = {.status = VOUCH_OK};
    vouch_call_options o = VOUCH_CALL_OPTIONS_INIT;
    struct callee callee = {.name = name, .readonly = readonly};
    vouch_op *op = NULL;
    error = error ? error : &local;
    error_clear(error);
    vouch_status status = client_usable(client, error);
    o.deadline_ms = deadline_ms;
    if (!status)
        status = api_start(client, &callee, VOUCH_NO_ARGS, vouch_args_of(words, n), &o, &op, error);
    return status ? status : vouch_call_finish(op, out, error);
}

vouch_status vouch_functions_dump(vouch_client *client, int64_t deadline_ms, vouch_call **out,
                                  vouch_error *error)
{
    vouch_arg words[] = {vouch_text("FUNCTION"), vouch_text("DUMP")};
    if (!out)
        return null_argument(error, "out");
    *out = NULL;
    return run_words(client, words, 2, deadline_ms, "FUNCTION DUMP", true, out, error);
}

vouch_status vouch_functions_restore(vouch_client *client, const void *bytes, size_t size,
                                     vouch_restore how, int64_t deadline_ms, vouch_error *error)
{
    static const char *const policies[] = {"APPEND", "REPLACE", "FLUSH"};
    if (!bytes)
        return null_argument(error, "bytes");
    if ((unsigned)how > VOUCH_RESTORE_FLUSH)
        return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                         "how to restore is none of vouch_restore");
    vouch_arg words[] = {vouch_text("FUNCTION"), vouch_text("RESTORE"), vouch_bytes(bytes, size),
                         vouch_text(policies[how])};
    return run_words(client, words, 4, deadline_ms, "FUNCTION RESTORE", false, NULL, error);
}
