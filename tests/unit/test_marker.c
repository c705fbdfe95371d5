/* Markers: their names, the commands about them, and what their values say. */
#include "command/slot.h"
#include "commit/marker.h"
#include "suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vouch/transaction.h>

#define IDENTITY "00112233445566778899aabbccddeeff"

static struct core core; /* of it only the identity and the count of runs are looked at */

static void setup(void)
{
    memset(&core, 0, sizeof core);
    memcpy(core.identity, IDENTITY, sizeof IDENTITY);
}

/* A marker with its name in memory of its own, exactly as large as is said. */
static struct marker make(const char *prefix, const char *token, size_t size, int64_t life)
{
    struct marker m;
    memset(&m, 0xff, sizeof m);
    char *room = malloc(marker_name_size(strlen(prefix), token ? size : 0));
    ck_assert_ptr_nonnull(room);
    marker_init(&m, &core, room, prefix, token, size, life);
    return m;
}

START_TEST(a_run_has_a_name_of_its_own)
{
    struct marker a = make("vouch:", NULL, 0, 1000), b = make("vouch:", NULL, 0, 1000);
    ck_assert(a.on && !a.named && !a.pinned);
    marker_pin(&a, 1);
    marker_pin(&b, 1);
    ck_assert(a.size != b.size || memcmp(a.name, b.name, a.size) != 0);
    ck_assert_ptr_nonnull(strstr(a.name, "}" IDENTITY "-1"));
    core.runs = UINT64_MAX - 1;
    struct marker last = make("vouch:", NULL, 0, 1000);
    marker_pin(&last, 1);
    ck_assert_ptr_nonnull(strstr(last.name, "}" IDENTITY "-ffffffffffffffff"));
    ck_assert_uint_eq(last.size, strlen(last.name));
    free(a.name);
    free(b.name);
    free(last.name);
}
END_TEST

START_TEST(a_token_is_taken_as_it_is)
{
    struct marker m = make("p:", "to\0{k}n", 7, 1000);
    marker_pin(&m, 12182); /* of "foo" */
    ck_assert(m.named && m.pinned && m.slot == 12182);
    ck_assert_uint_eq(m.size, 2 + 1 + 4 + 1 + 7);
    ck_assert(memcmp(m.name, "p:{", 3) == 0 && memcmp(m.name + 7, "}to\0{k}n", 9) == 0);
    ck_assert_uint_eq(slot_of(m.name, m.size), 12182);
    free(m.name);
}
END_TEST

START_TEST(it_is_in_the_slot_it_is_pinned_to)
{
    char longest[VOUCH_TOKEN_MAX + 1];
    memset(longest, '}', sizeof longest);
    longest[VOUCH_TOKEN_MAX] = 0;
    for (unsigned slot = 0; slot < SLOT_COUNT; slot += 37) {
        struct marker m = make("", longest, VOUCH_TOKEN_MAX, 1000);
        marker_pin(&m, (uint16_t)slot);
        ck_assert_uint_eq(slot_of(m.name, m.size), slot);
        free(m.name);
    }
}
END_TEST

/* ---- values --------------------------------------------------------------------------------- */

static enum marker_state read_text(const struct marker *m, const char *text, size_t n,
                                   uint32_t *attempt)
{
    char *copy = malloc(n + 1);
    memcpy(copy, text, n);
    copy[n] = 0;
    struct vouch_reply r = {.type = VOUCH_TYPE_STRING, .n = (uint32_t)n, .as.text = copy};
    enum marker_state state = marker_read(m, &r, attempt);
    free(copy);
    return state;
}

START_TEST(a_value_says_whose_it_is)
{
    const struct {
        const char *text;
        enum marker_state state;
        uint32_t attempt;
    } rows[] = {
        {IDENTITY "-1:1", MARKER_OURS, 1},
        {IDENTITY "-1:4294967295", MARKER_OURS, UINT32_MAX},
        {IDENTITY "-2:1", MARKER_USED, 0},
        {IDENTITY "-11:1", MARKER_USED, 0},
        {IDENTITY "-1", MARKER_USED, 0},
        {IDENTITY "-1:", MARKER_USED, 0},
        {IDENTITY "-1;1", MARKER_USED, 0},
        {"ff112233445566778899aabbccddeeff-1:1", MARKER_USED, 0},
        {"aborted:" IDENTITY "-1", MARKER_OURS_ABORTED, 0},
        {"aborted:" IDENTITY "-2", MARKER_ABORTED, 0},
        {"aborted:" IDENTITY "-11", MARKER_ABORTED, 0},
        {"aborted:" IDENTITY "-1:1", MARKER_ABORTED, 0},
        {"aborted:", MARKER_ABORTED, 0},
        {"aborted", MARKER_USED, 0},
        {"", MARKER_USED, 0}, /* somebody's, and no word that it was aborted */
        {"anything", MARKER_USED, 0},
    };
    struct marker m = make("vouch:", NULL, 0, 1000);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint32_t attempt = 77;
        enum marker_state state = read_text(&m, rows[i].text, strlen(rows[i].text), &attempt);
        ck_assert_msg(state == rows[i].state, "\"%s\" is %d", rows[i].text, (int)state);
        if (state == MARKER_OURS)
            ck_assert_uint_eq(attempt, rows[i].attempt);
    }
    struct vouch_reply nil = {.type = VOUCH_TYPE_NIL};
    uint32_t attempt = 0;
    ck_assert_int_eq(marker_read(&m, &nil, &attempt), MARKER_ABSENT);
    free(m.name);
}
END_TEST

/* ---- commands ------------------------------------------------------------------------------- */

/* The words of the last command, a space between, the name of the marker as NAME. */
static void expect_words(const struct vouch_batch *b, const struct marker *m, const char *want)
{
    const char *argv[8];
    size_t lengths[8];
    char text[512] = "";
    size_t n = batch_argv(b, b->count - 1, argv, lengths, 8);
    ck_assert_uint_le(n, 8);
    for (size_t i = 0; i < n; i++) {
        bool name = lengths[i] == m->size && memcmp(argv[i], m->name, m->size) == 0;
        size_t at = strlen(text);
        (void)snprintf(text + at, sizeof text - at, "%s%.*s", i ? " " : "",
                       name ? 4 : (int)lengths[i], name ? "NAME" : argv[i]);
    }
    ck_assert_str_eq(text, want);
}

START_TEST(its_commands_are_these)
{
    struct marker m = make("vouch:", "t", 1, _i ? VOUCH_MARKER_KEEP : 5000);
    struct vouch_batch b = {.own = true};
    marker_pin(&m, 7);
    marker_add_get(&m, &b);
    expect_words(&b, &m, "GET NAME");
    marker_add_set(&m, &b, 3);
    expect_words(&b, &m, _i ? "SET NAME " IDENTITY "-1:3" : "SET NAME " IDENTITY "-1:3 PX 5000");
    marker_add_abort(&m, &b);
    expect_words(&b, &m,
                 _i ? "SET NAME aborted:" IDENTITY "-1 NX GET PX 600000"
                    : "SET NAME aborted:" IDENTITY "-1 NX GET PX 5000");
    marker_add_delete(&m, &b);
    expect_words(&b, &m, "DEL NAME");
    marker_add_again(&m, &b, (vouch_string){"value", 5});
    expect_words(&b, &m, _i ? "SET NAME value XX" : "SET NAME value XX PX 5000");
    ck_assert_int_eq(b.first.status, VOUCH_OK);
    batch_release(&b);
    free(m.name);
}
END_TEST

/* What one writes the other reads. */
START_TEST(what_is_written_is_read_as_it_was_meant)
{
    static const uint32_t attempts[] = {1, 9, 10, 999999, UINT32_MAX};
    struct marker m = make("vouch:", "t", 1, 5000);
    struct vouch_batch b = {.own = true};
    const char *argv[8];
    size_t lengths[8];
    marker_pin(&m, 7);
    for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++) {
        uint32_t attempt = 0;
        marker_add_set(&m, &b, attempts[i]);
        (void)batch_argv(&b, b.count - 1, argv, lengths, 8);
        ck_assert_int_eq(read_text(&m, argv[2], lengths[2], &attempt), MARKER_OURS);
        ck_assert_uint_eq(attempt, attempts[i]);
    }
    uint32_t attempt = 0;
    marker_add_abort(&m, &b);
    (void)batch_argv(&b, b.count - 1, argv, lengths, 8);
    ck_assert_int_eq(read_text(&m, argv[2], lengths[2], &attempt), MARKER_OURS_ABORTED);
    struct marker other = make("vouch:", "t", 1, 5000);
    ck_assert_int_eq(read_text(&other, argv[2], lengths[2], &attempt), MARKER_ABORTED);
    batch_release(&b);
    free(m.name);
    free(other.name);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("marker");
    TCase *c = tcase_create("all");
    tcase_add_checked_fixture(c, setup, NULL);
    tcase_add_test(c, a_run_has_a_name_of_its_own);
    tcase_add_test(c, a_token_is_taken_as_it_is);
    tcase_add_test(c, it_is_in_the_slot_it_is_pinned_to);
    tcase_add_test(c, a_value_says_whose_it_is);
    tcase_add_loop_test(c, its_commands_are_these, 0, 2);
    tcase_add_test(c, what_is_written_is_read_as_it_was_meant);
    suite_add_tcase(suite, c);
    return suite_run(suite, CK_FORK_GETENV);
}
