/* Producers without a server: the words of entries, what is refused and in which words, how answers
 * are read, and memory that is short. */
#include "base/alloc.h"
#include "command/reply.h"
#include "command/slot.h"
#include "heap.h"
#include "stream_words.h"

#include <string.h>

/* ---- plain entries -------------------------------------------------------------------------- */

START_TEST(an_entry_is_an_xadd)
{
    vouch_batch *b = vouch_batch_new();
    vouch_entry_options o = VOUCH_ENTRY_OPTIONS_INIT;
    ck_assert_uint_eq(vouch_batch_add_entry(b, "s", VOUCH_ARGS("f", 1, "g", 2.5), NULL), 0);
    is(b, "XADD s * f 1 g 2.5");
    b = vouch_batch_new();
    o.no_mkstream = 1;
    o.stream_size = 2;
    o.id = "5-*";
    o.keep.max_len = 9;
    ck_assert_uint_eq(vouch_batch_add_entry(b, "stream", VOUCH_ARGS("", ""), &o), 0);
    is(b, "XADD st NOMKSTREAM MAXLEN ~ 9 5-*  ");
}
END_TEST

START_TEST(an_entry_may_have_any_number_of_fields)
{
    vouch_arg v[200];
    const char *argv[8];
    size_t lengths[8];
    for (size_t i = 0; i < 200; i++)
        v[i] = vouch_uint(i);
    vouch_batch *b = vouch_batch_new();
    for (size_t n = 2; n <= 200; n += 2)
        ck_assert_uint_eq(vouch_batch_add_entry(b, "s", vouch_args_of(v, n), NULL), n / 2 - 1);
    for (size_t n = 2; n <= 200; n += 2) {
        ck_assert_uint_eq(batch_argv(b, n / 2 - 1, argv, lengths, 8), n + 3);
        ck_assert(batch_words(b, n / 2 - 1).name_size == 4 && memcmp(argv[0], "XADD", 4) == 0);
    }
    vouch_batch_free(b);
}
END_TEST

START_TEST(what_is_no_entry_is_refused)
{
    static const char *const bad_ids[] = {"",    "x",  "5-",  "-*",    "5-*-*",
                                          "*-5", "5*", "5-5", "5-5-*", "-",
                                          "+",   "**", "$",   "5 ",    "1-18446744073709551616"};
    static const vouch_arg one[] = {{VOUCH_ARG_TEXT, 0, {"f"}, 0}, {0, 0, {NULL}, 0}};
    vouch_entry_options o = VOUCH_ENTRY_OPTIONS_INIT;
    vouch_batch *b = vouch_batch_new();
    (void)vouch_batch_add_entry(b, "s", VOUCH_NONE, NULL);
    refuses(b, VOUCH_EINVAL, "an entry without fields");
    b = vouch_batch_new();
    (void)vouch_batch_add_entry(b, "s", VOUCH_ARGS("f", "v", "g"), NULL);
    refuses(b, VOUCH_EINVAL, "3 words, so that the last name has no value");
    b = vouch_batch_new();
    (void)vouch_batch_add_entry(b, "s", vouch_args_of(one, 2), NULL);
    refuses(b, VOUCH_EINVAL, "of no known kind");
    b = vouch_batch_new();
    (void)vouch_batch_add_entry(b, NULL, VOUCH_ARGS("f", "v"), NULL);
    refuses(b, VOUCH_EINVAL, "the stream is NULL");
    b = vouch_batch_new();
    (void)vouch_batch_add_entry(b, "", VOUCH_ARGS("f", "v"), NULL);
    refuses(b, VOUCH_EINVAL, "the stream has no name");
    o.stream_size = VOUCH_STREAM_NAME_MAX + 1;
    b = vouch_batch_new();
    (void)vouch_batch_add_entry(b, "s", VOUCH_ARGS("f", "v"), &o);
    refuses(b, VOUCH_ELIMIT, "more than 65536 bytes");
    o.stream_size = 0;
    for (size_t i = 0; i < sizeof bad_ids / sizeof *bad_ids; i++) {
        if (i == 7) /* the one that is good */
            continue;
        o.id = bad_ids[i];
        b = vouch_batch_new();
        (void)vouch_batch_add_entry(b, "s", VOUCH_ARGS("f", "v"), &o);
        refuses(b, VOUCH_EINVAL, "options->id:");
    }
    o.id = NULL;
    o.keep.max_age_ms = 5;
    b = vouch_batch_new();
    (void)vouch_batch_add_entry(b, "s", VOUCH_ARGS("f", "v"), &o);
    refuses(b, VOUCH_EINVAL, "keep.max_age_ms: XADD knows no age");
    o.size = 0;
    b = vouch_batch_new();
    (void)vouch_batch_add_entry(b, "s", VOUCH_ARGS("f", "v"), &o);
    refuses(b, VOUCH_EINVAL, "options->size:");
}
END_TEST

/* ---- producers ------------------------------------------------------------------------------ */

START_TEST(the_state_shares_the_streams_slot_whatever_it_is_called)
{
    static const char *const names[] = {
        "s",     "{a}b", "a{b}c", "{}",    "{}{a}", "a{}b",       "}{",
        "{{a}}", "{",    "}",     "a}b{c", "{a",    "\xff{\x01}", "vouch:produced:{x}:p:s"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (size_t j = 0; j < sizeof names / sizeof *names; j++) {
            vouch_producer *p = NULL;
            ck_assert_int_eq(vouch_producer_new(names[i], names[j], NULL, &p, &error), VOUCH_OK);
            vouch_string state = vouch_producer_state(p);
            ck_assert_uint_eq(slot_of(state.data, state.size), slot_of(names[i], strlen(names[i])));
            ck_assert_uint_eq(strlen(state.data), state.size);
            ck_assert_ptr_nonnull(strstr(state.data, names[j]));
            vouch_producer_free(p);
        }
}
END_TEST

START_TEST(a_producers_options_are_in_its_words)
{
    vouch_producer_options o = VOUCH_PRODUCER_OPTIONS_INIT;
    vouch_producer *p = NULL;
    vouch_batch *b = vouch_batch_new();
    o.stream_size = 3;
    o.name_size = 4;
    o.state = "{{s}state";
    o.state_size = 4;
    o.window = VOUCH_PRODUCER_WINDOW_MAX;
    o.dense = 1;
    o.no_mkstream = 1;
    o.state_ms = VOUCH_RETENTION_MAX_MS;
    o.keep.max_age_ms = VOUCH_RETENTION_MAX_MS;
    o.keep.exact = 1;
    ck_assert_int_eq(vouch_producer_new("{s}tream", "producer", &o, &p, &error), VOUCH_EINVAL);
    o.state = "{s}state";
    ck_assert_int_eq(vouch_producer_new("{s}tream", "producer", &o, &p, &error), VOUCH_OK);
    ck_assert_uint_eq(vouch_batch_add_once(b, p, INT64_MAX, VOUCH_ARGS("f", "v")), 0);
    is(b, "EVALSHA SHA 2 {s} {s}s prod 9223372036854775807 9223372036854775806 65536 "
          "1125899906842624 1125899906842624 MINID =  NOMKSTREAM * f v");
    vouch_producer_free(p);
}
END_TEST

static void not_made(const vouch_producer_options *o, const char *stream, const char *name,
                     vouch_status want, const char *says)
{
    vouch_producer *p = NULL;
    vouch_status status = vouch_producer_new(stream, name, o, &p, &error);
    ck_assert_msg(status == want, "%s instead of %s", vouch_status_name(status), says);
    ck_assert_msg(strstr(error.message, says), "'%s' lacks '%s'", error.message, says);
    ck_assert_int_eq(error.effect, VOUCH_NOT_APPLIED);
    ck_assert_ptr_null(p);
}

START_TEST(what_is_no_producer_is_refused)
{
    vouch_producer_options o = VOUCH_PRODUCER_OPTIONS_INIT;
    ck_assert_int_eq(vouch_producer_new("s", "p", NULL, NULL, &error), VOUCH_EINVAL);
    ck_assert_int_eq(vouch_producer_new(NULL, "p", NULL, NULL, NULL), VOUCH_EINVAL);
    not_made(NULL, NULL, "p", VOUCH_EINVAL, "the stream is NULL");
    not_made(NULL, "", "p", VOUCH_EINVAL, "the stream has no name");
    not_made(NULL, "s", NULL, VOUCH_EINVAL, "the producer is NULL");
    not_made(NULL, "s", "", VOUCH_EINVAL, "the producer has no name");
    o.name_size = VOUCH_PRODUCER_NAME_MAX + 1;
    not_made(&o, "s", "p", VOUCH_ELIMIT, "the producer has a name of more than 1024 bytes");
    o.name_size = 0;
    o.state_size = 1;
    not_made(&o, "s", "p", VOUCH_EINVAL, "options->state_size:");
    o.state_size = 0;
    o.state = "";
    not_made(&o, "s", "p", VOUCH_EINVAL, "the state has no name");
    o.state = "s";
    not_made(&o, "s", "p", VOUCH_EINVAL, "is the stream itself");
    o.state = "there";
    not_made(&o, "here", "p", VOUCH_EINVAL, "the state 'there' and the stream 'here'");
    o.state = NULL;
    o.window = VOUCH_PRODUCER_WINDOW_MAX + 1;
    not_made(&o, "s", "p", VOUCH_ELIMIT, "options->window:");
    o.window = 0;
    o.state_ms = -1;
    not_made(&o, "s", "p", VOUCH_EINVAL, "options->state_ms:");
    o.state_ms = VOUCH_RETENTION_MAX_MS + 1;
    not_made(&o, "s", "p", VOUCH_ELIMIT, "options->state_ms:");
    o.size = 0;
    not_made(&o, "s", "p", VOUCH_EINVAL, "options->size:");
    vouch_producer_free(NULL);
    ck_assert_ptr_null(vouch_producer_script(NULL));
    ck_assert_ptr_null(vouch_producer_state(NULL).data);
}
END_TEST

START_TEST(what_is_added_once_has_a_sequence_and_fields)
{
    static vouch_arg v[2 * 3000 + 2];
    vouch_producer *p = NULL;
    ck_assert_int_eq(vouch_producer_new("s", "p", NULL, &p, &error), VOUCH_OK);
    vouch_batch *b = vouch_batch_new();
    (void)vouch_batch_add_once(b, NULL, 1, VOUCH_ARGS("f", "v"));
    refuses(b, VOUCH_EINVAL, "the producer is NULL");
    b = vouch_batch_new();
    (void)vouch_batch_add_once(b, p, -1, VOUCH_ARGS("f", "v"));
    refuses(b, VOUCH_EINVAL, "a sequence below 0");
    b = vouch_batch_new();
    (void)vouch_batch_add_once(b, p, 0, VOUCH_NONE);
    refuses(b, VOUCH_EINVAL, "an entry without fields");
    b = vouch_batch_new();
    (void)vouch_batch_add_once(b, p, 0, VOUCH_ARGS("f"));
    refuses(b, VOUCH_EINVAL, "the last name has no value");
    b = vouch_batch_new();
    (void)vouch_batch_add_once(b, p, 0, VOUCH_ARGS("f", vouch_text(NULL)));
    refuses(b, VOUCH_EINVAL, "a NULL argument");
    for (size_t i = 0; i < sizeof v / sizeof *v; i++)
        v[i] = vouch_uint(i);
    b = vouch_batch_new();
    (void)vouch_batch_add_once(b, p, 0, vouch_args_of(v, sizeof v / sizeof *v));
    refuses(b, VOUCH_ELIMIT, "VOUCH_ONCE_MAX_FIELDS");
    b = vouch_batch_new();
    ck_assert_uint_eq(vouch_batch_add_once(b, p, 0, vouch_args_of(v, 6000)), 0);
    vouch_batch_free(b);
    ck_assert(vouch_script_is_honest(vouch_producer_script(p)));
    vouch_producer_free(p);
    vouch_script *s = NULL;
    ck_assert_int_eq(vouch_trim_script_new(&s, &error), VOUCH_OK);
    ck_assert(vouch_script_is_honest(s));
    vouch_script_free(s);
}
END_TEST

/* ---- answers -------------------------------------------------------------------------------- */

static struct vouch_reply string(const char *text)
{
    return (struct vouch_reply){
        .type = VOUCH_TYPE_STRING, .n = (uint32_t)strlen(text), .as.text = (char *)text};
}

static bool read_words(const char *a, const char *b, const char *c, vouch_added *out)
{
    struct vouch_reply items[3] = {string(a ? a : ""), string(b ? b : ""), string(c ? c : "")};
    struct vouch_reply r = {.type = VOUCH_TYPE_ARRAY,
                            .n = (uint32_t)(!a   ? 0
                                            : !b ? 1
                                            : !c ? 2
                                                 : 3),
                            .as.elements = items};
    return vouch_added_read(&r, out);
}

START_TEST(answers_are_read)
{
    struct vouch_reply nil = {.type = VOUCH_TYPE_NIL}, id = string("5-1");
    vouch_added a;
    ck_assert(vouch_added_read(&id, &a));
    ck_assert(a.how == VOUCH_ADDED_NEW && a.last == -1);
    ck_assert_str_eq(a.id, "5-1");
    ck_assert(vouch_added_read(&nil, &a));
    ck_assert(a.how == VOUCH_ADDED_NO_STREAM && a.last == -1 && !a.id[0]);
    ck_assert(read_words("added", "18446744073709551615-18446744073709551615", NULL, &a));
    ck_assert(a.how == VOUCH_ADDED_NEW && a.last == -1 && strlen(a.id) == 41);
    ck_assert(read_words("again", "5-1", "9223372036854775807", &a));
    ck_assert(a.how == VOUCH_ADDED_AGAIN && a.last == INT64_MAX);
    ck_assert_str_eq(a.id, "5-1");
    ck_assert(read_words("forgotten", "", "0", &a));
    ck_assert(a.how == VOUCH_ADDED_FORGOTTEN && a.last == 0 && !a.id[0]);
    ck_assert(read_words("passed", "", "7", &a));
    ck_assert(a.how == VOUCH_ADDED_PASSED && a.last == 7);
    ck_assert(read_words("gap", "", "7", &a));
    ck_assert(a.how == VOUCH_ADDED_GAP && a.last == 7);
}
END_TEST

START_TEST(what_is_no_answer_says_nothing)
{
    static const char *const bad[][3] = {
        {NULL, NULL, NULL},
        {"added", NULL, NULL},
        {"added", "", NULL},
        {"added", "5", NULL},
        {"added", "5-1", "7"},
        {"again", "5-1", NULL},
        {"again", "", "7"},
        {"again", "5-1", ""},
        {"again", "5-1", "x"},
        {"passed", "5-1", "7"},
        {"passed", "", NULL},
        {"gone", "", "7"},
        {"", "", "7"},
        {"adde", "5-1", NULL},
        {"again", "5-x", "7"},
        {"gap", "", "1e3"},
        {"added", "18446744073709551615-184467440737095516150000000", NULL}};
    struct vouch_reply err = {.type = VOUCH_TYPE_ERROR, .n = 3, .as.text = (char *)"ERR"},
                       number = {.type = VOUCH_TYPE_INTEGER, .as.integer = 5}, text = string("OK");
    vouch_added a, zero;
    memset(&zero, 0, sizeof zero);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        memset(&a, 1, sizeof a);
        ck_assert_msg(!read_words(bad[i][0], bad[i][1], bad[i][2], &a), "case %zu", i);
        ck_assert(memcmp(&a, &zero, sizeof a) == 0);
    }
    ck_assert(!vouch_added_read(NULL, &a));
    ck_assert(!vouch_added_read(&err, &a));
    ck_assert(!vouch_added_read(&number, &a));
    ck_assert(!vouch_added_read(&text, &a));
}
END_TEST

/* ---- memory --------------------------------------------------------------------------------- */

/* Whatever fails, the producer is not made or the batch says so, and nothing leaks. */
static bool one_life(void)
{
    vouch_producer_options o = VOUCH_PRODUCER_OPTIONS_INIT;
    vouch_trim_options t = VOUCH_TRIM_OPTIONS_INIT;
    vouch_producer *p = NULL;
    vouch_script *s = NULL;
    vouch_arg v[100];
    vouch_status statuses[3] = {VOUCH_ENOMEM, VOUCH_ENOMEM, VOUCH_ENOMEM};
    for (size_t i = 0; i < 100; i++)
        v[i] = vouch_text("x");
    o.keep.min_id = "5";
    statuses[0] = vouch_producer_new("s", "p", &o, &p, &error);
    statuses[1] = vouch_trim_script_new(&s, &error);
    vouch_batch *b = vouch_batch_new();
    if (p && s && b) {
        t.script = s;
        t.keep.max_age_ms = 5;
        (void)vouch_batch_add_entry(b, "s", vouch_args_of(v, 100), NULL);
        (void)vouch_batch_add_once(b, p, 1, vouch_args_of(v, 100));
        (void)vouch_batch_add_once(b, p, 2, vouch_args_of(v, 2));
        (void)vouch_batch_add_trim(b, "s", &t);
        statuses[2] = vouch_batch_error(b, &error);
        ck_assert_uint_le(vouch_batch_count(b), 4);
        ck_assert((vouch_batch_count(b) == 4) == (statuses[2] == VOUCH_OK));
    }
    vouch_batch_free(b);
    vouch_script_free(s);
    vouch_producer_free(p);
    bool all = true;
    for (int i = 0; i < 3; i++) {
        ck_assert(statuses[i] == VOUCH_OK || statuses[i] == VOUCH_ENOMEM);
        all = all && statuses[i] == VOUCH_OK;
    }
    return all;
}

START_TEST(every_allocation_may_fail)
{
    unsigned long n = 0;
    bool done = false;
    for (; !done; n++) {
        heap_forget();
        heap_fail(n, (unsigned long)_i);
        done = one_life();
        (void)heap_recover();
        ck_assert_msg(heap_live() == 0, "allocation %lu fails: a leak", n);
        ck_assert_uint_lt(n, 1000);
    }
    ck_assert_uint_gt(n, 10);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("producer");
    TCase *c = tcase_create("all");
    tcase_add_test(c, an_entry_is_an_xadd);
    tcase_add_test(c, an_entry_may_have_any_number_of_fields);
    tcase_add_test(c, what_is_no_entry_is_refused);
    tcase_add_test(c, the_state_shares_the_streams_slot_whatever_it_is_called);
    tcase_add_test(c, a_producers_options_are_in_its_words);
    tcase_add_test(c, what_is_no_producer_is_refused);
    tcase_add_test(c, what_is_added_once_has_a_sequence_and_fields);
    tcase_add_test(c, answers_are_read);
    tcase_add_test(c, what_is_no_answer_says_nothing);
    tcase_add_loop_test(c, every_allocation_may_fail, 0, 2);
    suite_add_tcase(s, c);
    return suite_run(s, CK_FORK_GETENV);
}
