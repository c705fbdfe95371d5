#ifndef LINT_RIG_H
#define LINT_RIG_H

#include <stddef.h>
#include <vouch/lint.h>

/* The linter by its public calls, for tests of what is around the rules. All of these end the test if something
 * fails that must not. */

vouch_lint *linter(const vouch_lint_options *options);
/* One in which goto-as-name (an info), operator-53 (an error) and syntax are the only rules. */
vouch_lint *narrow(void);
vouch_lint_report *report_of(vouch_lint *lint, const char *text, size_t size);

/* Findings as "LINE:COLUMN rule, …", of a few rules: what others say of the same sources is theirs to test. Until
 * the next call. */
const char *listed(const vouch_lint_report *report);
/* A source has exactly these. */
void finds(const char *source, const char *expected);
/* Options are refused, with words that have this part. */
void refuses(const vouch_lint_options *options, const char *part);

#endif
