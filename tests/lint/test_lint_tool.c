/* The program vouch-lint: what it ends with, its options, where defaults come from, files and folders. */
#include "suite.h"
#include "tool_rig.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A source each in which nothing, one info, one warning, one error is found. */
#define CLEAN   "return 1\n"
#define INFO    "local goto = 1\n"
#define WARNING "return 1 -- vouch-lint: allow operator-53: it is not there\n"
#define ERROR   "return 7 // 2\n"

static void begin(void)
{
    tool_begin();
    tool_file("clean.lua", CLEAN);
    tool_file("info.lua", INFO);
    tool_file("warning.lua", WARNING);
    tool_file("error.lua", ERROR);
}

/* ---- what it ends with ---- */

START_TEST(ends_as_promised)
{
    static const struct {
        const char *command;
        int status;
    } cases[] = {
        {"lint clean.lua", 0},
        {"lint info.lua", 0},
        {"lint warning.lua", 1},
        {"lint error.lua", 1},
        {"lint --fail-on error warning.lua", 0},
        {"lint --fail-on error error.lua", 1},
        {"lint --fail-on=info info.lua", 1},
        {"lint --fail-on warning info.lua clean.lua", 0},
        {"lint clean.lua error.lua clean.lua", 1},
        {"lint no-such.lua", 2},
        {"lint error.lua no-such.lua", 2},
        {"lint --help", 0},
        {"lint -h", 0},
        {"lint --version", 0},
        {"lint --list-rules", 0},
        {"lint", 2},
        {"lint --", 2},
        {"lint -x clean.lua", 2},
        {"lint --nonsense clean.lua", 2},
        {"lint --help=now", 2},
        {"lint --format", 2},
        {"lint --format= clean.lua", 2},
        {"lint --format xml clean.lua", 2},
        {"lint --color sometimes clean.lua", 2},
        {"lint --fail-on off clean.lua", 2},
        {"lint --numkeys -1 clean.lua", 2},
        {"lint --numkeys x clean.lua", 2},
        {"lint --numkeys 2147483647 clean.lua", 0},
        {"lint --numkeys 2147483648 clean.lua", 2},
        {"lint --severity operator-53 clean.lua", 2},
        {"lint --severity operator-53=bad clean.lua", 2},
        {"lint --severity no-such=off clean.lua", 2},
        {"lint --severity syntax=off clean.lua", 2},
        {"lint --target mysql clean.lua", 2},
        {"lint --rules no-such clean.lua", 2},
        {"lint --eval --function clean.lua", 2},
        {"lint --config .x --no-config clean.lua", 2},
        {"lint --config no-such clean.lua", 2},
        {"lint --server nonsense://x clean.lua", 2},
        {"lint error.lua >/dev/full", 2},
        {"lint --help >/dev/full", 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tool_run("%s", cases[i].command);
        ck_assert_msg(tool.status == cases[i].status, "%s: %d\n%s%s", cases[i].command, tool.status,
                      tool.out, tool.err);
        if (tool.status == 2)
            tool_complained("vouch-lint: ");
    }
}
END_TEST

START_TEST(what_can_be_linted_is)
{
    tool_file("folder.lua/x", "");
    tool_run("lint no-such.lua error.lua folder.lua");
    tool_ended(2);
    tool_said("error.lua:1:10: error: ");
    tool_complained("vouch-lint: no-such.lua: No such file or directory\n");
    tool_complained("vouch-lint: folder.lua: there is no *.lua below it\n");
    tool_complained("vouch-lint: 1 error, 0 warnings, 0 infos in 1 file\n");
    tool_run("lint clean.lua info.lua");
    tool_complained("vouch-lint: 0 errors, 0 warnings, 1 info in 2 files\n");
    tool_run("lint clean.lua");
    ck_assert_str_eq(tool.out, "");
    ck_assert_str_eq(tool.err, "vouch-lint: nothing found in 1 file\n");
}
END_TEST

START_TEST(a_file_has_a_limit)
{
    tool_run("truncate -s 67108865 big.lua && lint --format json big.lua clean.lua");
    tool_ended(2);
    tool_complained("big.lua: longer than 67108864 bytes");
    tool_said("clean.lua");
}
END_TEST

START_TEST(standard_input_is_a_file)
{
    tool_run("lint - <error.lua");
    tool_ended(1);
    tool_said("<stdin>:1:10: error:");
    tool_run("lint clean.lua --stdin-name 'my script' - <error.lua");
    tool_said("my script:1:10: error:");
    tool_run("cp error.lua ./-; lint ./- </dev/null");
    tool_said("./-:1:10: error:");
    tool_run("cp error.lua -- --help; lint -- --help");
    tool_ended(1);
}
END_TEST

START_TEST(folders_are_searched)
{
    tool_file("f/b.lua", ERROR);
    tool_file("f/a/z.lua", ERROR);
    tool_file("f/a.lua", ERROR);
    tool_file("f/a/not.txt", ERROR);
    tool_file("f/.hidden/x.lua", ERROR);
    tool_file("f/.h.lua", ERROR);
    tool_run("ln -s . f/loop; ln -s ../error.lua f/link.lua; lint f | grep -o '^.*lua'");
    ck_assert_str_eq(tool.out, "f/a.lua\nf/a/z.lua\nf/b.lua\nf/link.lua\n");
    tool_run("lint f/ f/b.lua");
    tool_said("f/a/z.lua:1");
    tool_complained("5 errors");
}
END_TEST

/* ---- options that reach the rules ---- */

START_TEST(options_reach_the_rules)
{
    tool_file("keys.lua", "return redis.call('GET', KEYS[3])\n");
    tool_run("lint --numkeys 2 keys.lua");
    tool_said("[index-beyond-numkeys]");
    tool_run("lint --numkeys 3 keys.lua");
    tool_ended(0);
    tool_run("lint --function keys.lua");
    tool_said("[keys-in-library]");
    tool_run("lint --eval keys.lua");
    tool_ended(0);
    tool_file("clock.lua", "return tostring(os.clock())\n");
    tool_run("lint --target redis-7.0,valkey-9 clock.lua");
    tool_said("[version-gated-name]");
    tool_run("lint --target redis-8,valkey-9 clock.lua");
    tool_said_not("[version-gated-name]");
    tool_run("lint --severity operator-53=off error.lua");
    tool_ended(0);
    tool_run("lint --severity operator-53=warning error.lua");
    tool_said("warning: ");
    tool_run("lint --severity operator-53=off --severity operator-53=info error.lua");
    tool_said("info: ");
}
END_TEST

static const char own[] =
    "return {severity = 'warning', summary = 'numbers', why = 'Because.', bad = 'return 1',"
    " good = 'return', check = function(lint)"
    " return {number = function(n) lint.report(n, 'a number') end} end}";

START_TEST(rules_of_ones_own)
{
    tool_file("mine/no-numbers.lua", own);
    tool_run("lint --rules mine clean.lua");
    tool_ended(1);
    tool_said("clean.lua:1:8: warning: a number [no-numbers]\n");
    tool_run("lint --rules mine --list-rules");
    tool_said("numbers (your own)\n");
    tool_run("lint --rules mine --explain no-numbers");
    tool_said(
        "no-numbers (warning, your own): numbers\n\nBecause.\n\nBad:\n\n    return 1\n\nGood:");
    tool_file("mine/broken.lua", "return {");
    tool_run("lint --rules mine clean.lua");
    tool_ended(2);
    tool_complained("broken");
}
END_TEST

START_TEST(rules_are_explained)
{
    static const char *const rules[] = {"syntax",      "suppression",      "unused-suppression",
                                        "rule-failed", "server-disagrees", "operator-53"};
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        tool_run("lint --explain %s", rules[i]);
        tool_ended(0);
        ck_assert_ptr_eq(strstr(tool.out, rules[i]), tool.out);
        tool_said("\nBad:\n\n    ");
        tool_said("\nGood:\n\n    ");
    }
    tool_run("lint --explain operator");
    tool_ended(2);
    tool_complained("is it 'operator-53'?");
    tool_run("lint --list-rules");
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        tool_said(rules[i]);
}
END_TEST

/* ---- defaults ---- */

START_TEST(defaults_come_from_the_nearest_file)
{
    tool_file(".vouch-lint",
              "# all of it\nfail-on = error # not yet\n\nseverity=goto-as-name=off\n");
    tool_file("sub/deep/warning.lua", WARNING);
    tool_run("cd sub/deep && lint warning.lua");
    tool_ended(0);
    tool_run("cd sub/deep && lint --fail-on warning warning.lua"); /* the command line wins */
    tool_ended(1);
    tool_run("cd sub/deep && lint --no-config warning.lua");
    tool_ended(1);
    tool_run("lint --fail-on info info.lua");
    tool_ended(0);
    tool_run("lint --fail-on info --severity goto-as-name=info info.lua");
    tool_ended(1);
    tool_file("sub/.vouch-lint", "fail-on = warning\r\n"); /* nearer, and the other is not read */
    tool_run("cd sub/deep && lint warning.lua");
    tool_ended(1);
    tool_run("cd sub/deep && lint --config ../../.vouch-lint warning.lua");
    tool_ended(0);
    tool_run("cd sub/deep && lint --config=../.vouch-lint --fail-on error warning.lua");
    tool_ended(0);
}
END_TEST

START_TEST(defaults_may_say_what_options_say)
{
    tool_file("conf/rules/no-numbers.lua", own);
    tool_file("conf/.vouch-lint", "rules = rules\nformat = json\ncolor = never\ntarget = redis-8\n"
                                  "numkeys = 1\nseverity = no-numbers=error\neval = yes\n"
                                  "function = no");
    tool_run("lint --config conf/.vouch-lint clean.lua");
    tool_ended(1);
    tool_said("\"rule\": \"no-numbers\", \"severity\": \"error\"");
    tool_said("\"kind\": \"eval\"");
    tool_run("lint --config conf/.vouch-lint --function clean.lua");
    tool_said("\"kind\": \"function\"");
}
END_TEST

START_TEST(faults_of_defaults_are_placed)
{
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"\nnonsense\n", ":2: 'nonsense' is not `key = value`"},
        {"nonsense = 1\n", ":1: there is no setting 'nonsense'"},
        {"fail-on =\n", ":1: 'fail-on' wants a value"},
        {"fail-on = # error\n", ":1: 'fail-on' wants a value"},
        {"fail-on = bad\n", ":1: fail-on is one of info, warning, error, not 'bad'"},
        {"server = redis://x\n", ":1: 'server' can only be given on the command line"},
        {"help = yes\n", ":1: 'help' can only"},
        {"eval = maybe\n", ":1: eval is one of no, yes, not 'maybe'"},
        {"eval = yes\nfunction = yes\n", ":2: eval and function exclude each other"},
        {"\n\ntarget = mysql\n", ":3: there is no target 'mysql'"},
        {"\nrules = no-such\n", ":2: the folder of rules"},
        {"severity = syntax=error\nseverity = no-such=off\n", ":2: there is no rule 'no-such'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tool_file(".vouch-lint", cases[i].text);
        tool_run("lint clean.lua");
        tool_ended(2);
        tool_complained("/.vouch-lint:");
        tool_complained(cases[i].said);
        tool_run("lint --no-config clean.lua");
        tool_ended(0);
        tool_run("lint --help");
        tool_ended(0);
    }
    tool_run("printf 'a\\0b = 1' >.vouch-lint; lint clean.lua");
    tool_complained(":1: there is a NUL in this line");
}
END_TEST

/* ---- whatever comes ---- */

/* Bytes of all kinds, words of Lua among them, as many as fit into a test: no format ends by a signal. */
START_TEST(any_bytes_are_taken)
{
    static const char *const words[] = {"if ",     "end ", "//", "redis.call(",        "'",   "[[",
                                        "]]",      "\n",   "--", "vouch-lint: allow ", ": x", "\t",
                                        "KEYS[1]", ")",    "= "};
    unsigned seed = 7;
    for (int n = 0; n < 60; n++) {
        char name[32], path[4096];
        snprintf(name, sizeof name, "any%d.lua", n);
        tool_file(name, "");
        snprintf(path, sizeof path, "%s/%s", tool_folder(), name);
        FILE *file = fopen(path, "wb");
        ck_assert_ptr_nonnull(file);
        for (int i = 0; i < 400; i++) {
            seed = seed * 1103515245u + 12345u;
            unsigned pick = seed >> 16;
            if (pick % 3)
                fputs(words[(pick / 3) % (sizeof words / sizeof words[0])], file);
            else
                fputc((int)((pick / 3) & 255), file);
        }
        ck_assert_int_eq(fclose(file), 0);
    }
    static const char *const formats[] = {"text --color always", "json", "sarif"};
    for (size_t i = 0; i < 3; i++) {
        tool_run("lint --format %s any*.lua", formats[i]);
        tool_ended(1);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lint_tool");
    TCase *cases = tcase_create("program");
    tcase_add_checked_fixture(cases, begin, tool_end);
    tcase_add_test(cases, ends_as_promised);
    tcase_add_test(cases, what_can_be_linted_is);
    tcase_add_test(cases, a_file_has_a_limit);
    tcase_add_test(cases, standard_input_is_a_file);
    tcase_add_test(cases, folders_are_searched);
    tcase_add_test(cases, options_reach_the_rules);
    tcase_add_test(cases, rules_of_ones_own);
    tcase_add_test(cases, rules_are_explained);
    tcase_add_test(cases, defaults_come_from_the_nearest_file);
    tcase_add_test(cases, defaults_may_say_what_options_say);
    tcase_add_test(cases, faults_of_defaults_are_placed);
    tcase_add_test(cases, any_bytes_are_taken);
    tcase_set_timeout(cases, 120);
    suite_add_tcase(suite, cases);
    return suite_run(suite, CK_NOFORK);
}
