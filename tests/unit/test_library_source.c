/* What the sources of libraries state of themselves. What servers accept and refuse was asked of five
 * (FUNCTION LOAD, FUNCTION LIST). */
#include "heap.h"
#include "libraries.h"
#include "script/library_source.h"
#include "suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct library_source library;
static vouch_error e;
static char *copy; /* of just its size, so that a sanitizer sees a read beyond it */

static vouch_status take(const char *source, size_t size)
{
    copy = malloc(size ? size : 1);
    memcpy(copy, source, size);
    vouch_status status = library_source_read(&library, copy, size, &e);
    ck_assert_int_eq(e.status, status);
    if (status) {
        ck_assert_ptr_null(library.name);
        ck_assert_ptr_null(library.functions);
        ck_assert_int_eq(e.effect, VOUCH_NOT_APPLIED);
        ck_assert(e.message[0] != 0);
    }
    return status;
}

static void drop(void)
{
    library_source_free(&library);
    free(copy);
}

/* ---- the first line ------------------------------------------------------------------------- */

START_TEST(the_first_line_names_it)
{
    static const char code[] = "redis.register_function('f', f)";
    const struct libraries_line *l = &libraries_lines[_i];
    char source[200];
    memcpy(source, l->text, l->size);
    bool ended = l->size && l->text[l->size - 1] == '\n';
    memcpy(source + l->size, code, sizeof code);
    vouch_status status = take(source, l->size + (ended ? sizeof code - 1 : 0));
    if (l->name) {
        ck_assert_msg(status == VOUCH_OK, "%s", e.message);
        ck_assert_uint_eq(library.name_size, strlen(l->name));
        ck_assert_mem_eq(library.name, l->name, library.name_size);
    } else {
        ck_assert_int_eq(status, VOUCH_EINVAL);
        ck_assert_msg(strstr(e.message, l->message) != NULL, "%s", e.message);
    }
    drop();
}
END_TEST

/* ---- functions ------------------------------------------------------------------------------ */

#define F(name) "redis.register_function('" name "', f)\n"

START_TEST(functions_are_those_that_are_registered)
{
    const struct libraries_code *c = &libraries_codes[_i];
    char source[600], got[100] = "";
    (void)snprintf(source, sizeof source, "#!lua name=l\n%s", c->text);
    ck_assert_msg(take(source, strlen(source)) == VOUCH_OK, "%s: %s", c->text, e.message);
    for (size_t i = 0; i < library.count; i++) {
        const struct library_function *f = &library.functions[i];
        size_t n = strlen(got);
        (void)snprintf(got + n, sizeof got - n, "%s%.*s%s%s", n ? " " : "", (int)f->size, f->name,
                       f->no_writes ? "!" : "", f->certain ? "" : "?");
        ck_assert_uint_ge(f->line, 2);
    }
    ck_assert_msg(strcmp(got, c->functions) == 0, "%s: %s, not %s", c->text, got, c->functions);
    ck_assert_msg(library.complete == c->complete, "%s", c->text);
    drop();
}
END_TEST

START_TEST(what_no_server_loads_is_refused_with_its_line)
{
    static const struct {
        const char *text, *message;
        vouch_status status;
    } want[] = {
        {"local x = 1", "registers no function", VOUCH_EINVAL},
        {"", "registers no function", VOUCH_EINVAL},
        {"\nredis.register_function('a-b', f)", "line 3: names of functions are letters",
         VOUCH_EINVAL},
        {"redis.register_function('', f)", "line 2: names of functions are letters", VOUCH_EINVAL},
        {F("f") F("f"), "line 3 registers 'f' again, after line 2", VOUCH_EINVAL},
        {F("f") "local s = 'x", "line 3: a string without its end", VOUCH_EINVAL},
        {F("f") "\n$", "line 4: a byte that", VOUCH_EINVAL},
        {F("f") "end", "line 3: 'end' while", VOUCH_EINVAL},
        {"if x then\n" F("f"), "line 4: the source ends while", VOUCH_EINVAL},
        {"redis.register_function{function_name = 'f'", "line 2: the source ends while",
         VOUCH_EINVAL},
    };
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        char source[200];
        (void)snprintf(source, sizeof source, "#!lua name=l\n%s", want[i].text);
        ck_assert_int_eq(take(source, strlen(source)), want[i].status);
        ck_assert_msg(strstr(e.message, want[i].message) != NULL, "%s", e.message);
        drop();
    }
}
END_TEST

static char *many_functions(size_t n)
{
    char *source = malloc(40 + n * 40);
    size_t at = (size_t)sprintf(source, "#!lua name=l\n");
    for (size_t i = 0; i < n; i++)
        at += (size_t)sprintf(source + at, "redis.register_function('f%zu', f)\n", i);
    return source;
}

START_TEST(there_are_limits)
{
    char *source = many_functions(LIBRARY_FUNCTIONS_MAX);
    ck_assert_int_eq(take(source, strlen(source)), VOUCH_OK);
    ck_assert_uint_eq(library.count, LIBRARY_FUNCTIONS_MAX);
    drop();
    free(source);
    source = many_functions(LIBRARY_FUNCTIONS_MAX + 1);
    ck_assert_int_eq(take(source, strlen(source)), VOUCH_ELIMIT);
    ck_assert_ptr_nonnull(strstr(e.message, "line 1026: more than 1024 functions"));
    drop();
    free(source);
    char deep[400] = "#!lua name=l\nx = ";
    memset(deep + strlen(deep), '(', 300);
    ck_assert_int_eq(take(deep, strlen(deep)), VOUCH_ELIMIT);
    ck_assert_ptr_nonnull(strstr(e.message, "line 2: more than 256 brackets"));
    drop();
}
END_TEST

START_TEST(memory_may_run_out)
{
    char *source = many_functions(100);
    heap_forget();
    for (unsigned long n = 0, asked = n + 1; n < asked; n++) {
        heap_fail(n, 0);
        vouch_status status = take(source, strlen(source));
        asked = heap_recover();
        ck_assert_int_eq(status, n < asked ? VOUCH_ENOMEM : VOUCH_OK);
        drop();
        ck_assert_int_eq(heap_live(), 0);
    }
    free(source);
}
END_TEST

/* ---- versions ------------------------------------------------------------------------------- */

START_TEST(a_version_is_a_comment_before_the_code)
{
    static const struct {
        const char *text, *want; /* the version, or "!" and a word of the message */
    } rows[] = {
        {"-- version: 1.2.3\n", "1.2.3"},
        {"-- version 1.2.3\n", "1.2.3"},
        {"--version:1\n", "1"},
        {"-- Version : 007.0\r\n", "7.0"},
        {"\n\n-- a library\n--[[ of\n mine ]]\n  \t--  version:  1.2  \n", "1.2"},
        {"-- version: 0\n", "0"},
        {"-- version: 1.2.3.4.5.6.7.4294967295\n", "1.2.3.4.5.6.7.4294967295"},
        {"-- versions of this are many\n", ""},
        {"-- version 2 of what was\n", ""},
        {"-- version\n", ""},
        {"-- versioned 1\n", ""},
        {"-- no version: 1.2\n", ""},
        {"---- version: 1\n", ""},
        {"--[[ version: 1 ]]\n", ""},
        {"--[[ x ]] -- version: 1\n", ""},
        {"local x = 1 -- version: 1\n", ""},
        {"local x = 1\n-- version: 1\n", ""},
        {"-- version:\n", "!line 2: a version is numbers"},
        {"-- version: 1.\n", "!line 2: a version is numbers"},
        {"-- version: .1\n", "!line 2: a version is numbers"},
        {"-- version: 1..2\n", "!line 2: a version is numbers"},
        {"-- version: 1.2x\n", "!line 2: a version is numbers"},
        {"-- version: -1\n", "!line 2: a version is numbers"},
        {"-- version: 1 2\n", "!line 2: a version is numbers"},
        {"-- version: v1\n", "!line 2: a version is numbers"},
        {"--\n-- version: 1.2.3.4.5.6.7.8.9\n", "!line 3: a version has at most 8"},
        {"-- version 4294967296\n", "!line 2: a version has at most 8"},
        {"-- version: 99999999999999999999999999\n", "!line 2: a version has at most 8"},
        {"-- version: 18446744073709551617\n", "!line 2: a version has at most 8"},
        {"-- version: 1\n-- version: 1\n", "!line 3 states a second version"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char source[200], got[100] = "";
        (void)snprintf(source, sizeof source, "#!lua name=l\n%s%s", rows[i].text, F("f"));
        vouch_status status = take(source, strlen(source));
        if (rows[i].want[0] == '!') {
            ck_assert_msg(strstr(e.message, rows[i].want + 1) != NULL, "%s: %s", rows[i].text,
                          e.message);
        } else {
            ck_assert_msg(status == VOUCH_OK, "%s: %s", rows[i].text, e.message);
            for (uint32_t k = 0; k < library.version.count; k++) {
                size_t n = strlen(got);
                (void)snprintf(got + n, sizeof got - n, "%s%u", k ? "." : "",
                               library.version.part[k]);
            }
            ck_assert_msg(strcmp(got, rows[i].want) == 0, "%s: %s", rows[i].text, got);
        }
        drop();
    }
}
END_TEST

START_TEST(versions_compare_by_their_numbers)
{
    static const struct library_version rising[] = {
        {0, {0}},
        {1, {0}},
        {3, {0, 0, 1}},
        {2, {0, 9}},
        {2, {0, 10}},
        {1, {1}},
        {8, {1, 0, 0, 0, 0, 0, 0, 1}},
        {2, {1, 2}},
        {1, {UINT32_MAX}},
    };
    const int n = (int)(sizeof rising / sizeof *rising);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < n; k++) {
            int order = library_version_compare(&rising[i], &rising[k]);
            ck_assert_int_eq((order > 0) - (order < 0), (i > k) - (i < k));
        }
    struct library_version a = {2, {1, 2}}, b = {4, {1, 2, 0, 0}}, c = {2, {1, 2, 9}};
    ck_assert_int_eq(library_version_compare(&a, &b), 0);
    ck_assert_int_eq(library_version_compare(&c, &b), 0); /* what is beyond the count is nothing */
    ck_assert_int_eq(library_version_compare(&b, &c), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("library_source");
    TCase *c = tcase_create("all");
    tcase_add_loop_test(c, the_first_line_names_it, 0, (int)libraries_line_count);
    tcase_add_loop_test(c, functions_are_those_that_are_registered, 0, (int)libraries_code_count);
    tcase_add_test(c, what_no_server_loads_is_refused_with_its_line);
    tcase_add_test(c, there_are_limits);
    tcase_add_test(c, memory_may_run_out);
    tcase_add_test(c, a_version_is_a_comment_before_the_code);
    tcase_add_test(c, versions_compare_by_their_numbers);
    suite_add_tcase(suite, c);
    return suite_run(suite, CK_FORK_GETENV);
}
