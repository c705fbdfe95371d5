/* vouch-lint: the linter as a program. */
#include "lint/tool/tool.h"

#include <stdio.h>

static int fail(const struct fault *fault)
{
    (void)fprintf(stderr, "vouch-lint: %s\n", fault->message);
    return EXIT_FAILED;
}

/* Whether what was printed arrived. */
static int printed(void)
{
    static const struct fault lost = {"this could not be written"};
    return fflush(stdout) == 0 && !ferror(stdout) ? EXIT_CLEAN : fail(&lost);
}

static int with_linter(const struct options *o, vouch_lint *lint)
{
    struct fault fault = {0};
    switch (o->task) {
    case TASK_EXPLAIN:
        return rule_explain(lint, o->explain, &fault) ? printed() : fail(&fault);
    case TASK_LIST:
        rules_list(lint);
        return printed();
    case TASK_LINT:
        return files_lint(o, lint);
    case TASK_HELP:
    case TASK_VERSION:
        break;
    }
    return EXIT_FAILED;
}

static int run(const struct options *o)
{
    struct fault fault = {0};
    vouch_lint *lint;
    if (o->task == TASK_HELP || o->task == TASK_VERSION) {
        if (o->task == TASK_HELP)
            help_show();
        else
            version_show();
        return printed();
    }
    if (o->task == TASK_LINT && !o->file_count) {
        (void)fault_set(&fault, "no files; say `vouch-lint FILE`, or see --help");
        return fail(&fault);
    }
    if (!linter_make(o, &lint, &fault))
        return fail(&fault);
    int result = with_linter(o, lint);
    vouch_lint_free(lint);
    return result;
}

int main(int argc, char **argv)
{
    struct options o;
    struct fault fault = {0};
    int result = options_read(&o, argc, argv, &fault) ? run(&o) : fail(&fault);
    options_free(&o);
    return result;
}
