/* What a connection is known to have, and the limit of that. */
#include "client/core.h"
#include "suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

START_TEST(a_connection_remembers_the_newest_needs)
{
    struct settings set;
    struct core core;
    vouch_error e;
    ck_assert_int_eq(settings_read(&set, "redis://h", NULL, &e), VOUCH_OK);
    core_init(&core, &set, 1);
    struct link *l = link_new(&core, 0);
    ck_assert_ptr_nonnull(l);
    for (uint64_t i = 1; i <= LINK_NEEDS_MAX; i++) {
        struct need need = {.digest = i};
        ck_assert(!link_has(l, &need));
        link_learn(l, &need);
        link_learn(l, &need);
        ck_assert(link_has(l, &need));
    }
    struct need first = {.digest = 1}, second = {.digest = 2}, more = {.digest = 1000};
    ck_assert(link_has(l, &first));
    link_learn(l, &more); /* one over the limit: the oldest goes, and would be loaded again */
    ck_assert(link_has(l, &more) && link_has(l, &second) && !link_has(l, &first));
    link_forget(l, &second);
    ck_assert(!link_has(l, &second));
    link_free(l);
    core_free(&core);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("needs");
    TCase *c = tcase_create("all");
    tcase_add_test(c, a_connection_remembers_the_newest_needs);
    suite_add_tcase(suite, c);
    return suite_run(suite, CK_NOFORK);
}
