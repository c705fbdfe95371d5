/* Looking what a server has, and loading a library by a policy. Pure; may call commit.
 *
 * One transaction: FUNCTION LIST as its reads, FUNCTION LOAD as its body. Servers watch keys, not
 * libraries, so those that replace also watch and write a guard key: of two deployments that looked at
 * the same time one begins again, and sees what the other has loaded. Who loads what is missing (a call,
 * the policy MISSING) does not write the guard: so what was not there is loaded without REPLACE, and
 * whoever finds that it is there by now looks again. */
#include "script/install.h"

#include "base/alloc.h"
#include "base/error.h"
#include "commit/commit.h"
#include "script/library.h"

#include <string.h>

struct install {
    struct commit commit; /* first */
    const struct vouch_library *library;
    vouch_install policy;
    vouch_library_report report;
    bool looked; /* the report says what was there */
};

enum { READ_ALL, READ_CODE, READS };

/* The guard lives for as long as two deployments may overlap. */
#define GUARD_MS INT64_C(600000)

/* ---- asking --------------------------------------------------------------------------------- */

static enum commit_step ask(struct install *i)
{
    struct commit *c = &i->commit;
    void *p = c->answers;
    vouch_arg all[] = {vouch_text("FUNCTION"), vouch_text("LIST")};
    vouch_arg code[] = {vouch_text("FUNCTION"), vouch_text("LIST"), vouch_text("LIBRARYNAME"),
                        vouch_text(i->library->name), vouch_text("WITHCODE")};
    if (!alloc_grow(&p, &c->answers_capacity, READS, sizeof *c->answers)) {
        vouch_error e;
        (void)error_set(&e, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY, "out of memory for a look");
        return commit_fault(c, &e);
    }
    c->answers = p;
    memset(c->answers, 0, READS * sizeof *c->answers);
    memset(&i->report, 0, sizeof i->report); /* an earlier look says nothing of now */
    i->looked = false;
    (void)vouch_batch_addv(&c->reads, vouch_args_of(all, 2));
    (void)vouch_batch_addv(&c->reads, vouch_args_of(code, 5));
    if (i->policy == VOUCH_INSTALL_DIFFERENT || i->policy == VOUCH_INSTALL_NEWER)
        commit_watch(c, i->library->guard, strlen(i->library->guard));
    return COMMIT_ASK;
}

/* ---- what was found ------------------------------------------------------------------------- */

static void note(char *out, size_t room, const vouch_reply *text)
{
    vouch_string v = vouch_reply_string(text);
    error_escape(out, room, v.data ? v.data : "", v.size);
}

/* One of our functions' names belongs to another library. */
static bool is_taken(struct install *i, const vouch_reply *all)
{
    const struct vouch_library *l = i->library;
    for (size_t k = 0; k < vouch_reply_count(all); k++) {
        const vouch_reply *other = vouch_reply_at(all, k);
        vouch_string name = vouch_reply_string(vouch_reply_get(other, "library_name"));
        if (name.size == l->told.name_size && memcmp(name.data, l->name, name.size) == 0)
            continue;
        for (size_t f = 0; f < l->told.count; f++) {
            vouch_string ours = l->functions[f].name;
            if (!library_has(other, ours))
                continue;
            note(i->report.owner, sizeof i->report.owner, vouch_reply_get(other, "library_name"));
            error_escape(i->report.function, sizeof i->report.function, ours.data, ours.size);
            return true;
        }
    }
    return false;
}

/* Into the report; *version is of the one that is there. */
static void look(struct install *i, struct library_version *version)
{
    const struct vouch_library *l = i->library;
    const vouch_reply *all = i->commit.answers[READ_ALL].reply,
                      *found = library_find(i->commit.answers[READ_CODE].reply, l->name);
    vouch_string code = vouch_reply_string(vouch_reply_get(found, "library_code"));
    i->looked = true;
    if (is_taken(i, all)) {
        i->report.state = VOUCH_LIBRARY_TAKEN;
    } else if (!found) {
        i->report.state = VOUCH_LIBRARY_MISSING;
    } else {
        bool same = code.size == l->size && memcmp(code.data, l->source, code.size) == 0;
        i->report.state = same ? VOUCH_LIBRARY_SAME : VOUCH_LIBRARY_DIFFERENT;
        vouch_error ignored;
        char text[LIBRARY_VERSION_TEXT];
        /* Nothing else of it: its functions may be more than are read here, or than memory is left for. */
        if (library_version_read(version, code.data, code.size, &ignored) != VOUCH_OK)
            version->count = 0;
        library_version_write(version, text);
        error_escape(i->report.version, sizeof i->report.version, text, strlen(text));
    }
}

static bool wants_load(const struct install *i, const struct library_version *there)
{
    vouch_library_state s = i->report.state;
    switch (i->policy) {
    case VOUCH_INSTALL_MISSING:
        return s == VOUCH_LIBRARY_MISSING;
    case VOUCH_INSTALL_DIFFERENT:
        return s == VOUCH_LIBRARY_MISSING || s == VOUCH_LIBRARY_DIFFERENT;
    case VOUCH_INSTALL_NEWER:
        return s == VOUCH_LIBRARY_MISSING ||
               (s == VOUCH_LIBRARY_DIFFERENT &&
                library_version_compare(&i->library->told.version, there) > 0);
    case VOUCH_INSTALL_NEVER:
    case VOUCH_INSTALL_LAST_:
        break;
    }
    return false;
}

static enum commit_step prepare(struct commit *c)
{
    struct install *i = (struct install *)c;
    const struct vouch_library *l = i->library;
    struct library_version there = {0};
    vouch_batch_clear(&c->body);
    if (c->reads.count == 0)
        return ask(i);
    for (size_t k = 0; k < READS; k++)
        if (vouch_reply_is_error(c->answers[k].reply))
            return COMMIT_CANCEL; /* whose words the end tells */
    look(i, &there);
    if (!wants_load(i, &there))
        return COMMIT_CANCEL;
    vouch_arg load[] = {vouch_text("FUNCTION"), vouch_text("LOAD"), vouch_text("REPLACE"),
                        vouch_bytes(l->source, l->size)};
    vouch_arg guard[] = {vouch_text("SET"), vouch_text(l->guard),
                         vouch_text(c->lane.core->identity), vouch_text("PX"), vouch_int(GUARD_MS)};
    bool replace = i->report.state == VOUCH_LIBRARY_DIFFERENT;
    if (!replace)
        load[2] = load[3];
    (void)vouch_batch_addv(&c->body, vouch_args_of(load, replace ? 4 : 3));
    if (i->policy != VOUCH_INSTALL_MISSING)
        (void)vouch_batch_addv(&c->body, vouch_args_of(guard, 5));
    return COMMIT_GO;
}

/* ---- making and finishing ------------------------------------------------------------------- */

static void discard(void *block)
{
    commit_discard(&((struct install *)block)->commit);
}

static const struct commit_ops ops = {prepare, {sizeof(struct install), discard}};

struct vouch_op *install_new(struct core *core, struct vouch_client *client,
                             const struct vouch_library *library, vouch_install policy,
                             int64_t deadline_ms, vouch_error *error)
{
    vouch_tx_options o = VOUCH_TX_OPTIONS_INIT;
    o.deadline_ms = deadline_ms;
    struct install *i = (struct install *)commit_new(core, &ops, &o, error);
    if (!i)
        return NULL;
    i->commit.client = client;
    i->library = library;
    i->policy = policy;
    i->looked = false;
    memset(&i->report, 0, sizeof i->report);
    return &i->commit.op;
}

void install_free(struct vouch_op *op)
{
    commit_free((struct commit *)op);
}

/* The policy wants nothing done, or cannot have it. */
static vouch_status finish_looked(const struct install *i, vouch_error *error)
{
    const struct vouch_library *l = i->library;
    if (i->report.state == VOUCH_LIBRARY_TAKEN && i->policy != VOUCH_INSTALL_NEVER)
        return error_set(error, VOUCH_ESERVER, VOUCH_CAUSE_REFUSED,
                         "library %s: its function %s belongs to library %s on this server",
                         l->name, i->report.function, i->report.owner);
    error_clear(error);
    return VOUCH_OK;
}

/* FUNCTION LOAD was refused while EXEC ran, or a read was: a plain refusal. */
static vouch_status refused(vouch_error *error)
{
    error->status = VOUCH_ESERVER;
    error->effect = VOUCH_NOT_APPLIED;
    error->cause = VOUCH_CAUSE_REFUSED;
    return VOUCH_ESERVER;
}

vouch_status install_finish(struct vouch_op *op, bool orphan, vouch_library_report *report,
                            bool *again, vouch_error *error)
{
    struct install *i = (struct install *)op;
    vouch_tx_result *r = NULL;
    const struct install copy = {
        .library = i->library, .policy = i->policy, .report = i->report, .looked = i->looked};
    if (orphan)
        i->commit.home = NULL;
    vouch_status status = commit_finish(&i->commit, &r, error);
    vouch_tx_outcome outcome = vouch_tx_result_outcome(r);
    const vouch_reply *said = vouch_tx_result_reply(r, 0);
    vouch_string words = vouch_reply_string(said);
    static const char there[] = " already exists";
    size_t n = sizeof there - 1;
    report->state = copy.report.state;
    memcpy(report->version, copy.report.version, sizeof report->version);
    memcpy(report->owner, copy.report.owner, sizeof report->owner);
    memcpy(report->function, copy.report.function, sizeof report->function);
    *again = false;
    if (outcome == VOUCH_OUTCOME_CANCELLED) {
        status = copy.looked ? finish_looked(&copy, error) : refused(error);
    } else if (outcome == VOUCH_OUTCOME_COMMITTED && status == VOUCH_OK) {
        report->installed = 1;
    } else if (outcome == VOUCH_OUTCOME_ERRORS && vouch_reply_is_error(said)) {
        status = refused(error);
        /* Somebody was faster, and there is nothing to guard a look at what is missing. */
        *again = copy.report.state == VOUCH_LIBRARY_MISSING && words.size > n &&
                 memcmp(words.data + words.size - n, there, n) == 0;
    }
    vouch_tx_result_free(r);
    return status;
}
