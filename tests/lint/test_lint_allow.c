/* Comments that allow what a rule would find: what they reach, what is wrong with them, what they are for. */
#include "lint_rig.h"
#include "suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

START_TEST(a_comment_behind_code_allows_in_its_line)
{
    finds("local a = 1 // 2 -- vouch-lint: allow operator-53: as it should be\n"
          "local b = 1 // 2",
          "2:13 operator-53");
    finds("local a = 1 // 2 --vouch-lint:allow operator-53:as it should be", "");
    finds("local a = 1 // 2 --[==[ vouch-lint: allow operator-53: why ]==]", "");
    finds("local a = f(1 // 2, -- vouch-lint: allow operator-53: why\n1 // 2)", "2:3 operator-53");
    finds("goto x ::x:: local a = 1 // 2 -- vouch-lint: allow operator-53, goto-label: why", "");
}
END_TEST

START_TEST(a_comment_alone_allows_in_the_next_statement)
{
    finds("-- vouch-lint: allow operator-53: why\nlocal a = f(1 // 2,\n 1 // 2)\nlocal b = 1 // 2",
          "4:13 operator-53");
    finds("-- vouch-lint: allow operator-53: why\n\n-- another\n\nlocal a = 1 // 2", "");
    finds("-- vouch-lint: allow operator-53: why\n-- vouch-lint: allow goto-label: why\n"
          "local a = 1 // 2 goto x ::x::",
          "");
    finds("-- vouch-lint: allow operator-53: why\nif 1 // 2 and\n 1 // 2 then\n f(1 // 2) end",
          "4:6 operator-53");
    finds("-- vouch-lint: allow operator-53: why\nlocal function f(a)\n return a // 2\nend",
          "1:1 unused-suppression, 3:11 operator-53");
    finds("-- vouch-lint: allow operator-53: why\nif 1 // 2 then f(1 // 2) end", "");
    finds("f(1,\n-- vouch-lint: allow operator-53: why\n1 // 2,\n1 // 2)", "4:3 operator-53");
    finds("#!lua\n-- vouch-lint: allow operator-53: why\nlocal a = 1 // 2", "");
}
END_TEST

START_TEST(a_comment_for_the_file_allows_everywhere)
{
    finds("local a = 1 // 2\nlocal b = 1 // 2\n-- vouch-lint: allow-file operator-53: why", "");
    finds("-- vouch-lint: allow-file operator-53, goto-label: why\nlocal a = 1 // 2",
          "1:1 unused-suppression");
}
END_TEST

START_TEST(a_comment_with_a_fault_allows_nothing)
{
    static const char *const faults[] = {
        "allow operator-53",
        "allow operator-53:",
        "allow operator-53:  .-.",
        "allow no-such: why",
        "allow : why",
        "allow operator-53,: why",
        "allow , operator-53: why",
        "allow syntax: why",
        "allow suppression: why",
        "disable operator-53: why",
        "allowoperator-53: why",
        "",
        "allow operator-53, no-such: why",
        "allow-fileoperator-53: why",
        "allow operator 53: why",
    };
    char text[256];
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        snprintf(text, sizeof text, "local a = 1 // 2 -- vouch-lint: %s", faults[i]);
        finds(text, "1:13 operator-53, 1:18 suppression");
    }
    finds("local a = 1 // 2 -- vouch-lint allow operator-53: why",
          "1:13 operator-53, 1:18 suppression");
    finds("local a = 1 // 2 -- vouch-lint is a good thing", "1:13 operator-53");
    finds("local a = '-- vouch-lint: allow operator-53: why' // 2", "1:51 operator-53");
}
END_TEST

START_TEST(a_comment_that_allows_nothing_is_told)
{
    finds("local a = 1 -- vouch-lint: allow operator-53: why", "1:13 unused-suppression");
    finds("local a = 1 // 2 -- vouch-lint: allow operator-53, operator-53: why",
          "1:18 unused-suppression");
    finds("-- vouch-lint: allow operator-53: why", "1:1 unused-suppression");
    finds("-- vouch-lint: allow operator-53: why\n-- vouch-lint: allow operator-53: again\n"
          "local a = 1 // 2",
          "2:1 unused-suppression");
    finds("-- vouch-lint: allow-file operator-53: why\n"
          "local a = 1 // 2 -- vouch-lint: allow operator-53: why",
          "1:1 unused-suppression");
    /* What would have been found is not known behind an error of syntax. */
    finds("local a = 1 -- vouch-lint: allow operator-53: why\nreturn )", "2:8 syntax");
}
END_TEST

START_TEST(syntax_is_never_allowed)
{
    finds("-- vouch-lint: allow-file syntax: why\nreturn )", "1:1 suppression, 2:8 syntax");
}
END_TEST

/* Comments by the ten thousand, stacked before one long statement: in no more time than they are long. */
START_TEST(many_comments_take_no_longer)
{
    enum { COMMENTS = 30000, LINES = 30000 };
    static const char comment[] = "-- vouch-lint: allow operator-53: why\n", line[] = "1 // 2,\n";
    size_t size = COMMENTS * (sizeof comment - 1) + LINES * (sizeof line - 1);
    char *text = malloc(size + 32), *at = text;
    ck_assert_ptr_nonnull(text);
    for (int i = 0; i < COMMENTS; i++, at += sizeof comment - 1)
        memcpy(at, comment, sizeof comment);
    at += sprintf(at, "f(\n");
    for (int i = 0; i < LINES; i++, at += sizeof line - 1)
        memcpy(at, line, sizeof line);
    at += sprintf(at, "1)");
    vouch_lint *lint = narrow();
    vouch_lint_report *report = report_of(lint, text, (size_t)(at - text));
    ck_assert_str_eq(listed(report), "");
    vouch_lint_report_free(report);
    vouch_lint_free(lint);
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lint_allow");
    TCase *comments = tcase_create("comments");
    tcase_add_test(comments, a_comment_behind_code_allows_in_its_line);
    tcase_add_test(comments, a_comment_alone_allows_in_the_next_statement);
    tcase_add_test(comments, a_comment_for_the_file_allows_everywhere);
    tcase_add_test(comments, a_comment_with_a_fault_allows_nothing);
    tcase_add_test(comments, a_comment_that_allows_nothing_is_told);
    tcase_add_test(comments, syntax_is_never_allowed);
    tcase_add_test(comments, many_comments_take_no_longer);
    tcase_set_timeout(comments, 60);
    suite_add_tcase(suite, comments);
    return suite_run(suite, CK_NOFORK);
}
