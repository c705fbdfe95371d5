/* The linter when memory is short. */
#include "heap.h"
#include "suite.h"

#include <check.h>
#include <vouch/lint.h>

/* With one allocation after the other failing: an error that says so, and nothing is left. There are tens of
 * thousands of them, most of them Lua's, so that steps grow. */
START_TEST(memory_that_is_short_is_told)
{
    static const char text[] = "-- vouch-lint: allow operator-53: why\nlocal a = redis.call('GET', "
                               "KEYS[1]) // 2 -- vouch-lint: allow goto-label: none\n;; return a";
    vouch_lint_source source = {.text = text, .size = sizeof text - 1};
    vouch_error error;
    for (unsigned long n = 0, step = 1;; n += step, step += n % 7 == 0) {
        vouch_lint *lint = NULL;
        vouch_lint_report *report = NULL;
        heap_forget();
        heap_fail(n, 0);
        vouch_status status = vouch_lint_new(NULL, &lint, &error);
        if (status == VOUCH_OK)
            status = vouch_lint_run(lint, &source, &report, &error);
        bool all = heap_recover() <= n;
        ck_assert_msg(status == VOUCH_OK || status == VOUCH_ENOMEM, "%lu: %d %s", n, (int)status,
                      error.message);
        ck_assert(status == VOUCH_OK || !report);
        vouch_lint_report_free(report);
        vouch_lint_free(lint);
        ck_assert_msg(heap_live() == 0, "%lu: %ld blocks are left", n, heap_live());
        if (all) {
            ck_assert_int_eq(status, VOUCH_OK);
            break;
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lint_memory");
    TCase *memory = tcase_create("memory");
    tcase_add_test(memory, memory_that_is_short_is_told);
    tcase_set_timeout(memory, 120);
    suite_add_tcase(suite, memory);
    return suite_run(suite, CK_NOFORK);
}
