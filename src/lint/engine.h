/* lint/engine.h: rules, run over a tree by Lua 5.4 with bounds on time and memory.
 *
 * Knows Lua and the tree; nothing of files, suppressions or output. */
#ifndef LINT_ENGINE_H
#define LINT_ENGINE_H

#include "base/error.h"
#include "lint/target.h"
#include "lint/tree.h"
#include "lint/value.h"
#include <vouch/lint.h>

struct engine; /* a Lua state with rules in it */

/* What the rules are asked about. */
struct engine_source {
    struct lint_tree *tree; /* went through lint_flow if it is whole */
    enum lint_source_kind kind;
    bool numkeys_known;
    uint32_t numkeys;
    uint32_t targets; /* of enum lint_target */
    bool targeted;    /* the caller named them */
};

/* Called for each finding, in no particular order. `severity` is the rule's, as set, or what the report asked
 * for if that is lower. Message and rule are borrowed until it returns. False: memory is short; the run ends. */
typedef bool (*engine_report)(void *context, const char *rule, vouch_lint_severity severity,
                              uint32_t offset, uint32_t finish, const char *message,
                              size_t message_size);

/* `memory` bytes and `steps` instructions (of one rule, for one source, and 20 more a byte of it) bound every run.
 * False: memory is short. */
bool engine_new(size_t memory, uint64_t steps, struct engine **out);
void engine_free(struct engine *engine);

/* Adds a rule from its source; `own`: the caller's, whose name may be that of one that is there, and then takes its
 * place. VOUCH_EINVAL: it does not compile, fails, or lacks a part; the message says what, where. */
vouch_status engine_add(struct engine *engine, const char *name, const char *source, size_t size,
                        bool own, vouch_error *error);
/* All built-in ones. */
vouch_status engine_add_builtin(struct engine *engine, vouch_error *error);

size_t engine_rule_count(const struct engine *engine);
vouch_lint_rule *engine_rule_at(struct engine *engine,
                                size_t index); /* sorted by name; severity may be set */

/* Lets every rule that is not OFF look at a source. Rules that need a tree see nothing if it is not whole, but
 * their remarks. False: memory is short outside of Lua, or `report` said so. A rule that fails is reported under
 * "rule-failed", at the node it was looking at. */
bool engine_run(struct engine *engine, const struct engine_source *source, engine_report report,
                void *context);

#endif
