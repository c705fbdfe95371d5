/* lint/report.h: what was found in one source, and which of it its comments allow.
 *
 * Findings come in any order, and more of them than anybody reads. What is allowed is left out at once; of the
 * others the worst VOUCH_LINT_FINDINGS_MAX are kept, and in the end stand in the order of the source. Pure. */
#ifndef LINT_REPORT_H
#define LINT_REPORT_H

#include "base/arena.h"
#include "lint/tree.h"
#include <vouch/lint.h>

struct vouch_lint_report {
    struct arena arena; /* of all strings */
    vouch_lint_finding *findings;
    size_t count, capacity;
    size_t left_out;
    bool full; /* as many were kept as there may be: `least` is the least bad of them */
    vouch_lint_finding least;
    bool refused;
    vouch_lint_kind kind;
};

/* Rules that the linter itself speaks for. Comments cannot allow them: nothing that is told under these names
 * is a matter of taste. */
#define REPORT_SYNTAX      "syntax"
#define REPORT_FAILED      "rule-failed"
#define REPORT_ALLOW       "suppression"
#define REPORT_UNUSED      "unused-suppression"
#define REPORT_SERVER      "server-disagrees"
#define REPORT_MESSAGE_MAX 1024 /* bytes of a message, with its NUL; a longer one ends in "…" */

/* How far an allowance reaches. */
enum allowance_reach { ALLOWANCE_LINE, ALLOWANCE_STATEMENT, ALLOWANCE_FILE };

/* What one comment says of one rule. */
struct allowance {
    const vouch_lint_rule *rule;
    const struct lint_comment *comment;
    uint32_t from, to; /* lines, both included; from > to: none */
    uint32_t code;     /* STATEMENT: the byte where the next code begins */
    enum allowance_reach reach;
    bool used;
    bool doubled; /* another says the same */
};

/* All of a source. */
struct allowances {
    struct allowance *list;
    size_t count, capacity;
    size_t distinct; /* how many are not doubled: these come first, and in order */
};

/* One source on its way to its report. Begin with zeros but for lint, tree and report. */
struct report_run {
    const vouch_lint *lint;
    const struct lint_tree *tree;
    vouch_lint_report *report;
    struct allowances allowances;
    bool failed; /* some rule was stopped: what it would have found is not known */
};

/* Reads the comments; what is wrong with them is added to the report. False: memory is short. */
bool allowances_read(struct report_run *run);
/* Whether a finding of this rule in this line is allowed. */
bool allowances_cover(struct allowances *allowances, const char *rule, uint32_t line);
/* Adds a finding for each that allowed nothing, unless that is not known. False: memory is short. */
bool allowances_unused(struct report_run *run);
void allowances_free(struct allowances *allowances);

/* Where the comments' allowances of statements end. False: memory is short. */
bool allowances_reach(struct allowances *allowances, const struct lint_tree *tree);

/* Adds what a rule found, unless it is allowed. False: memory is short. */
bool report_add(struct report_run *run, const char *rule, vouch_lint_severity severity,
                uint32_t offset, uint32_t finish, const char *message, size_t message_size);
/* The same for the linter's own rules, with the severity that is set; never allowed. */
bool report_own(struct report_run *run, const char *rule, uint32_t offset, uint32_t finish,
                const char *format, ...) __attribute__((format(printf, 5, 6)));
/* Puts what is there in order. */
void report_end(struct report_run *run);

#endif
