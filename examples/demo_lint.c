/* The demo's part about the linter: a rate limiter with a mistake that no test of an hour shows, what the linter says of it,
 * and what the server makes of it. */
#include "demo.h"

#include "truth.h"

#include <stdio.h>
#include <string.h>
#include <vouch/lint.h>

static const char limiter[] = "local used = redis.call('INCRBY', KEYS[1], ARGV[2])\n"
                              "if used == ARGV[2] then\n"
                              "  redis.call('EXPIRE', KEYS[1], 60)\n"
                              "end\n"
                              "return used <= tonumber(ARGV[1])\n";
static const char rule[] = "number-string-compare";

static bool lint_it(struct demo *d, vouch_lint *lint)
{
    vouch_lint_source source = {.text = limiter, .size = sizeof limiter - 1};
    vouch_lint_report *report = NULL;
    vouch_error error;
    bool found = false;
    if (vouch_lint_run(lint, &source, &report, &error) != VOUCH_OK)
        return failed("the linter", &error);
    for (size_t i = 0; i < vouch_lint_count(report); i++) {
        const vouch_lint_finding *f = vouch_lint_finding_at(report, i);
        found = found || (f->line == 2 && strcmp(f->rule, rule) == 0);
        if (f->severity > VOUCH_LINT_INFO)
            printf("   limiter.lua:%u:%u: %s: %s [%s]\n", (unsigned)f->line, (unsigned)f->column,
                   vouch_lint_severity_name(f->severity), f->message, f->rule);
    }
    claim(d, found, "the linter finds that a number is compared with a text");
    vouch_lint_report_free(report);
    return true;
}

bool lint_a_script(struct demo *d)
{
    vouch_lint *lint = NULL;
    vouch_error error;
    printf("\n8. A rate limiter that is wrong, before a server has seen it\n");
    if (vouch_lint_new(NULL, &lint, &error) != VOUCH_OK)
        return failed("the linter", &error);
    bool good = lint_it(d, lint);
    vouch_lint_free(lint);
    ts_do(d->server, "EVAL", limiter, "1", "demo:window", "10", "1", NULL);
    int64_t ttl = ts_int(d->server, "TTL", "demo:window", NULL);
    claim(d, ttl == -1, "the window never ends");
    printf("   The server: TTL of the window is %lld. It never ends; whoever has used it up waits "
           "for ever.\n",
           (long long)ttl);
    return good;
}
