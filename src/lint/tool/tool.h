/* lint/tool/tool.h: the parts of the program that are neither options nor output. */
#ifndef LINT_TOOL_TOOL_H
#define LINT_TOOL_TOOL_H

#include "lint/tool/options.h"
#include "lint/tool/server.h"

/* What the program ends with. */
enum { EXIT_CLEAN = 0, EXIT_FOUND = 1, EXIT_FAILED = 2 };

/* --help, --version, --list-rules, --explain. */
void help_show(void);
void version_show(void);
void rules_list(const vouch_lint *lint);
/* False: *fault says that there is no such rule. */
bool rule_explain(const vouch_lint *lint, const char *name, struct fault *fault);

/* A linter as the options say; false: *fault says why not, and in which line of which file that is asked for. */
bool linter_make(const struct options *o, vouch_lint **out, struct fault *fault);

/* Lints all that the options name; returns what the program ends with. */
int files_lint(const struct options *o, vouch_lint *lint);

#endif
