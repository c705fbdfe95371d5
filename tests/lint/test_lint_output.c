/* What vouch-lint writes: text with its carets and colours, JSON, SARIF. */
#include "json.h"
#include "suite.h"
#include "tool_rig.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- text ---- */

/* The line and its caret, of a source whose only operator-53 is looked at. */
static void shows(const char *source, const char *lines)
{
    char part[1024];
    tool_file("x.lua", source);
    tool_run("lint x.lua");
    snprintf(part, sizeof part, "[operator-53]\n%s", lines);
    tool_said(part);
}

START_TEST(carets_are_under_the_place)
{
    shows("return 7 // 2", "return 7 // 2\n         ^~\n");
    shows("if x then\n\t\treturn 7 //\t2\nend", "\t\treturn 7 //\t2\n\t\t         ^~\n");
    shows("return '\xc3\xa4\xe2\x82\xac' // 2",
          "return '\xc3\xa4\xe2\x82\xac' // 2\n            ^~\n");
    shows("return '\xe4\xbd\xa0' // 2", "return '\xe4\xbd\xa0' // 2\n            ^~\n"); /* wide */
    shows("return 'e\xcc\x81' // 2", "return 'e\xcc\x81' // 2\n           ^~\n"); /* combining */
    shows("return '\x01\x1b' // 2", "return '\\x01\\x1b' // 2\n                  ^~\n");
    shows("return '\xff\xc3' // 2", "return '\\xff\\xc3' // 2\n                  ^~\n");
    shows("return '\xc2\x9b' // 2", "return '\\xc2\\x9b' // 2\n                  ^~\n");
    /* Turns what follows around: U+202E. */
    char turned[32];
    snprintf(turned, sizeof turned, "return '%c%c%c' // 2", 0xe2, 0x80, 0xae);
    shows(turned, "return '\\xe2\\x80\\xae' // 2\n                      ^~\n");
    shows("return 7 // 2\r\nlocal a", "return 7 // 2\n         ^~\n");
}
END_TEST

START_TEST(ends_of_sources_have_places)
{
    tool_file("x.lua", "return (\n");
    tool_run("lint x.lua");
    tool_said("x.lua:2:1: error: ");
    tool_said("[syntax]\n\n^\n");
    tool_file("x.lua", "return (");
    tool_run("lint x.lua");
    tool_said("x.lua:1:9: error: ");
    tool_said("[syntax]\nreturn (\n        ^\n");
}
END_TEST

/* What is shown of a line is what is around the place, and no more than a terminal has. */
START_TEST(long_lines_are_cut)
{
    char *text = malloc(40100), *at = text;
    ck_assert_ptr_nonnull(text);
    at += sprintf(at, "return '");
    memset(at, 'a', 20000);
    at += 20000;
    at += sprintf(at, "' // '");
    memset(at, 'b', 20000);
    at += 20000;
    sprintf(at, "'\n");
    tool_file("x.lua", text);
    free(text);
    tool_run("lint x.lua");
    const char *line = strstr(tool.out, "[operator-53]\n") + strlen("[operator-53]\n");
    const char *caret = strchr(line, '\n') + 1;
    ck_assert_uint_lt(strlen(line), 400);
    ck_assert(strncmp(line,
                      "\xe2\x80\xa6"
                      "aaaa",
                      7) == 0);
    ck_assert(strncmp(caret - 8, "bbbb\xe2\x80\xa6\n", 8) == 0);
    size_t column = strspn(caret, " ");
    ck_assert_int_eq(caret[column], '^');
    ck_assert(strncmp(line + 2 + column, "// ", 3) ==
              0); /* the sign of the cut is three bytes wide */
}
END_TEST

START_TEST(messages_and_names_are_safe)
{
    tool_run("printf 'return 7 // 2' >'a\033[1mb.lua'; lint a*.lua");
    tool_said("a\\x1b[1mb.lua:1:10: error: ");
    tool_run("lint --no-config \"$(printf 'no\\033such')\"");
    tool_complained("no\\x1bsuch: No such file");
}
END_TEST

START_TEST(colours_are_for_terminals)
{
    static const char escape[] = "\033[";
    tool_file("x.lua", "return 7 // 2\n");
    tool_run("lint x.lua");
    tool_said_not(escape);
    tool_run("lint --color always x.lua");
    tool_said("\033[1mx.lua:1:10:\033[0m \033[1;31merror:\033[0m ");
    tool_said("return 7 // 2\n         \033[1;32m^~\033[0m\n");
    tool_run("NO_COLOR=1 lint --color=always x.lua");
    tool_said(escape);
    tool_run_on_terminal("lint x.lua");
    tool_ended(1);
    tool_said(escape);
    tool_run_on_terminal("NO_COLOR=1 lint x.lua");
    tool_said_not(escape);
    tool_run_on_terminal("NO_COLOR= lint x.lua");
    tool_said(escape);
    tool_run_on_terminal("TERM=dumb lint x.lua");
    tool_said_not(escape);
    tool_run_on_terminal("lint --color never x.lua");
    tool_said_not(escape);
    tool_run_on_terminal("lint x.lua | cat");
    tool_said_not(escape);
}
END_TEST

/* ---- formats for programs ---- */

static void is_json(void)
{
    const char *fault = json_fault(tool.out);
    ck_assert_msg(!fault, "no JSON from here on: %.100s\n%.1500s", fault ? fault : "", tool.err);
}

static void has(const char *path, const char *expected)
{
    char *value = json_at(tool.out, path);
    ck_assert_msg(value && strcmp(value, expected) == 0, "%s is %s, not %s:\n%.1500s", path,
                  value ? value : "not there", expected, tool.out);
    free(value);
}

/* A source with a tab, letters of more than one byte, and what is no UTF-8. */
static void mixed_source(void)
{
    tool_file("x.lua", "-- \xff\"\\\n\treturn '\xc3\xa4\xf0\x9f\x98\x80\xff' // 2\n");
}

START_TEST(json_is_as_help_says)
{
    mixed_source();
    tool_file("clean.lua", "#!lua name=l\n");
    tool_run("lint --format json x.lua no-such.lua clean.lua; printf ' \\n'");
    is_json();
    has("version", "1");
    ck_assert_int_eq(json_count(tool.out, "files"), 2);
    has("files.0.file", "x.lua");
    has("files.0.kind", "eval");
    has("files.0.refused", "true");
    has("files.0.leftOut", "0");
    has("files.1.kind", "function");
    has("files.1.refused", "false");
    has("failures.0", "no-such.lua: No such file or directory");
    long n = json_count(tool.out, "files.0.findings");
    ck_assert_int_ge(n, 1);
    for (long i = 0; i < n; i++) {
        char path[64];
        snprintf(path, sizeof path, "files.0.findings.%ld.rule", i);
        char *rule = json_at(tool.out, path);
        bool found = rule && strcmp(rule, "operator-53") == 0;
        free(rule);
        if (!found)
            continue;
        static const char *const fields[][2] = {
            {"severity", "error"}, {"line", "2"},    {"column", "19"}, {"endLine", "2"},
            {"endColumn", "21"},   {"offset", "25"}, {"length", "2"},
        };
        for (size_t k = 0; k < sizeof fields / sizeof fields[0]; k++) {
            snprintf(path, sizeof path, "files.0.findings.%ld.%s", i, fields[k][0]);
            has(path, fields[k][1]);
        }
        return;
    }
    ck_abort_msg("operator-53 is not there: %.1500s", tool.out);
}
END_TEST

START_TEST(json_of_nothing_is_json)
{
    tool_run("lint --format json no-such.lua");
    tool_ended(2);
    is_json();
    ck_assert_int_eq(json_count(tool.out, "files"), 0);
    ck_assert_int_eq(json_count(tool.out, "failures"), 1);
    tool_run("lint --format sarif no-such.lua");
    is_json();
    ck_assert_int_eq(json_count(tool.out, "runs.0.results"), 0);
    has("runs.0.invocations.0.executionSuccessful", "false");
    ck_assert_int_eq(json_count(tool.out, "runs.0.invocations.0.toolExecutionNotifications"), 1);
}
END_TEST

START_TEST(sarif_is_as_the_standard_says)
{
    mixed_source();
    tool_run(
        "cp x.lua 'a b%%.lua'; lint --format sarif --severity escape-51=off clean.lua 'a b%%.lua' "
        "\"$PWD/x.lua\" 2>/dev/null; :");
    is_json();
    has("version", "2.1.0");
    has("$schema", "https://json.schemastore.org/sarif-2.1.0.json");
    has("runs.0.tool.driver.name", "vouch-lint");
    has("runs.0.columnKind", "unicodeCodePoints");
    long rules = json_count(tool.out, "runs.0.tool.driver.rules"), index = 0;
    ck_assert_int_ge(rules, 20);
    char path[96];
    for (char *id = NULL;; index++) {
        ck_assert_int_lt(index, rules);
        snprintf(path, sizeof path, "runs.0.tool.driver.rules.%ld.id", index);
        id = json_at(tool.out, path);
        bool found = id && strcmp(id, "operator-53") == 0;
        free(id);
        if (found)
            break;
    }
    static const char *const parts[] = {"shortDescription", "fullDescription", "help"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "runs.0.tool.driver.rules.%ld.%s.text", index, parts[i]);
        char *text = json_at(tool.out, path);
        ck_assert(text && strlen(text) > 10);
        free(text);
    }
    snprintf(path, sizeof path, "runs.0.tool.driver.rules.%ld.defaultConfiguration.level", index);
    has(path, "error");
    snprintf(path, sizeof path, "%ld", index);
    has("runs.0.results.0.ruleId", "operator-53");
    has("runs.0.results.0.ruleIndex", path);
    has("runs.0.results.0.level", "error");
#define PLACE "runs.0.results.0.locations.0.physicalLocation."
    has(PLACE "artifactLocation.uri", "a%20b%25.lua");
    has(PLACE "region.startLine", "2");
    has(PLACE "region.startColumn", "15"); /* the letters of two and of four bytes are one each */
    has(PLACE "region.endLine", "2");
    has(PLACE "region.endColumn", "17");
    has(PLACE "region.byteOffset", "25");
    has(PLACE "region.byteLength", "2");
    char *uri =
        json_at(tool.out, "runs.0.results.1.locations.0.physicalLocation.artifactLocation.uri");
    ck_assert(uri && strncmp(uri, "file:///", 8) == 0);
    free(uri);
}
END_TEST

START_TEST(what_is_allowed_is_in_no_format)
{
    static const char *const formats[] = {"text", "json", "sarif"};
    tool_file("x.lua", "return 7 // 2 -- vouch-lint: allow operator-53: an example\n");
    for (size_t i = 0; i < 3; i++) {
        tool_run("lint --format %s x.lua", formats[i]);
        tool_ended(0);
        tool_said_not("write math.floor");
    }
}
END_TEST

/* A reader that cannot fail proves nothing. */
START_TEST(the_reader_of_json_is_strict)
{
    static const char *const bad[] = {
        "",      "{",        "[1,]",      "{\"a\" 1}", "{a: 1}", "\"\\x\"", "01",     "\"\\u12g4\"",
        "[1 2]", "\"\xff\"", "{\"a\": }", "tru",       "1 1",    "\"\n\"",  "[\"a\"", "\"a"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(json_fault(bad[i]) != NULL, "%s is no JSON", bad[i]);
    ck_assert_ptr_null(json_fault(" {\"a\": [1, \"\\u00e4\xc3\xa4\", {}], \"b\": null} "));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lint_output");
    TCase *cases = tcase_create("output");
    tcase_add_checked_fixture(cases, tool_begin, tool_end);
    tcase_add_test(cases, carets_are_under_the_place);
    tcase_add_test(cases, ends_of_sources_have_places);
    tcase_add_test(cases, long_lines_are_cut);
    tcase_add_test(cases, messages_and_names_are_safe);
    tcase_add_test(cases, colours_are_for_terminals);
    tcase_add_test(cases, json_is_as_help_says);
    tcase_add_test(cases, json_of_nothing_is_json);
    tcase_add_test(cases, sarif_is_as_the_standard_says);
    tcase_add_test(cases, what_is_allowed_is_in_no_format);
    tcase_add_test(cases, the_reader_of_json_is_strict);
    tcase_set_timeout(cases, 120);
    suite_add_tcase(suite, cases);
    return suite_run(suite, CK_NOFORK);
}
