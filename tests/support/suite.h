#ifndef TS_SUITE_H
#define TS_SUITE_H

#include <check.h>

/* Runs a suite and releases it; what main returns. CK_NOFORK: in this process; CK_FORK_GETENV: each
 * test in a child, unless the environment's CK_FORK says otherwise. */
static inline int suite_run(Suite *suite, enum fork_status fork)
{
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, fork);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

#endif
