/* Looks at a Lua script before a server does.
 *
 *     lint_script [FILE]      default: what comes in
 *
 * The linter is a library of its own, vouch::lint: no server, no client. What it finds is told with what the rule says of
 * itself. Ends with 0 if there is nothing worse than a hint, 2 if there is. (`vouch-lint` does the same, and more.) */
#include <stdio.h>
#include <stdlib.h>
#include <vouch/lint.h>

enum { SCRIPT_MAX = 1 << 20 };

static void show(const vouch_lint *lint, const vouch_lint_finding *finding)
{
    const vouch_lint_rule *rule = vouch_lint_rule_find(lint, finding->rule);
    printf("line %u, %s: %s\n", (unsigned)finding->line,
           vouch_lint_severity_name(finding->severity), finding->message);
    if (rule)
        printf("    %s: %s\n", rule->name, rule->summary);
}

static int look(vouch_lint *lint, const vouch_lint_source *source)
{
    vouch_lint_report *report = NULL;
    vouch_error error;
    int code = 0;
    if (vouch_lint_run(lint, source, &report, &error) != VOUCH_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    for (size_t i = 0; i < vouch_lint_count(report); i++) {
        const vouch_lint_finding *finding = vouch_lint_finding_at(report, i);
        show(lint, finding);
        if (finding->severity > VOUCH_LINT_INFO)
            code = 2;
    }
    printf("%zu found; %s\n", vouch_lint_count(report),
           vouch_lint_refused(report) ? "servers refuse it" : "servers take it");
    vouch_lint_report_free(report);
    return code;
}

int main(int argc, char **argv)
{
    static char text[SCRIPT_MAX];
    FILE *file = argc > 1 ? fopen(argv[1], "rb") : stdin;
    vouch_lint *lint = NULL;
    vouch_lint_options options = VOUCH_LINT_OPTIONS_INIT;
    vouch_error error;
    if (!file) {
        perror(argv[1]);
        return 1;
    }
    vouch_lint_source source = {.text = text, .size = fread(text, 1, sizeof text, file)};
    if (file != stdin)
        (void)fclose(file);
    options.target = "redis-7.0,valkey-8"; /* what it is to run on */
    if (vouch_lint_new(&options, &lint, &error) != VOUCH_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    int code = look(lint, &source);
    vouch_lint_free(lint);
    return code;
}
