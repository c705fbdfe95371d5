/* Tests of what the tests stand on. A missing server is a failure. */
#include "test_support.h"

#include <stdlib.h>

int main(void)
{
    SRunner *runner = srunner_create(base_suite());
    srunner_add_suite(runner, script_suite());
    srunner_add_suite(runner, proxy_suite());
    srunner_add_suite(runner, faults_suite());
    srunner_add_suite(runner, server_suite());
    srunner_add_suite(runner, truth_suite());
    srunner_add_suite(runner, tls_suite());
    srunner_add_suite(runner, tls_peer_suite());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
