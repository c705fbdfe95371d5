/* lint VERSION: lints a script. With BOTH it uses the library vouch as well. */
#include <stdio.h>
#include <string.h>
#include <vouch/lint.h>
#ifdef BOTH
#include <vouch/vouch.h>
#endif

int main(int argc, char **argv)
{
    static const char text[] = "return redis.call('GET', KEYS[1]) // 2";
    vouch_lint_source source = {0};
    vouch_lint *lint;
    vouch_lint_report *report;
    vouch_error error;
    int found = 0;
    (void)argc;
    (void)argv;
    source.text = text;
    source.size = sizeof text - 1;
    if (vouch_lint_new(NULL, &lint, &error) != VOUCH_OK ||
        vouch_lint_run(lint, &source, &report, &error) != VOUCH_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    for (size_t i = 0; i < vouch_lint_count(report); i++)
        found |= strcmp(vouch_lint_finding_at(report, i)->rule, "operator-53") == 0;
#ifdef BOTH
    vouch_batch *batch = vouch_batch_new();
    vouch_batch_add(batch, "PING");
    found = found && vouch_batch_count(batch) == 1 &&
            strcmp(vouch_status_name(VOUCH_OK), "VOUCH_OK") == 0;
    vouch_batch_free(batch);
#endif
    vouch_lint_report_free(report);
    vouch_lint_free(lint);
    return found ? 0 : 1;
}
