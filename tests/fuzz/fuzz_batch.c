/* Batches: what is added by any of the three ways, in any order, is what comes out of the encoding,
 * or is refused, as a whole and for good; then keys and slots of it.
 *
 * The input is text, a step on each line: how, then words with one space between.
 *   a words, v words    vouch_batch_addv, vouch_batch_argv
 *   b words             begin, arguments, end;  o words: the same without end
 *   e, c, f             end alone; clear; an add while frozen
 * A word may begin with '#' (an integer), '%' (a double) or '!' (a NULL). */
#include "fuzz.h"

#include "base/number.h"
#include "command/batch.h"
#include "command/keys.h"
#include "command/slot.h"
#include "net/reader.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>

#define WORDS_MAX    96
#define COMMANDS_MAX 64
#define NUMBER_ROOM  32
/* Of so many words batch_first_key sees all. */
#define FEW_WORDS 64

struct words {
    size_t count;
    const char *text[WORDS_MAX]; /* as it must be read back; NULL: a NULL was given */
    size_t size[WORDS_MAX];
    vouch_arg arg[WORDS_MAX];
    char numbers[WORDS_MAX][NUMBER_ROOM];
};

static struct {
    vouch_batch *batch;
    struct words commands[COMMANDS_MAX]; /* what was accepted */
    size_t count;
    bool failed, open;
} m;

/* ---- words ----------------------------------------------------------------------------------- */

static void set_number(struct words *w, size_t i, const char *text, size_t n)
{
    char copy[NUMBER_ROOM] = "", *room = w->numbers[i];
    memcpy(copy, text + 1, n - 1 < sizeof copy - 1 ? n - 1 : sizeof copy - 1);
    if (*text == '#') {
        long long value = strtoll(copy, NULL, 10);
        w->arg[i] = vouch_int(value);
        (void)snprintf(room, NUMBER_ROOM, "%lld", value);
    } else {
        double value = strtod(copy, NULL), back = 0;
        size_t size = number_write_double(room, value);
        room[size] = 0;
        w->arg[i] = vouch_real(value);
        FUZZ_CHECK(isnan(value) || (number_parse_double(room, size, &back) && back == value));
    }
    w->text[i] = room;
    w->size[i] = strlen(room);
}

static void set_word(struct words *w, const char *text, size_t n)
{
    size_t i = w->count++;
    w->text[i] = text;
    w->size[i] = n;
    w->arg[i] = vouch_bytes(text, n);
    if (n && *text == '!') {
        w->text[i] = NULL;
        w->arg[i] = vouch_text(NULL);
    } else if (n && (*text == '#' || *text == '%')) {
        set_number(w, i, text, n);
    }
}

static void split(const char *line, size_t n, struct words *w)
{
    w->count = 0;
    for (const char *at = line, *end = line + n; at <= end && w->count < WORDS_MAX;) {
        const char *space = at < end ? memchr(at, ' ', (size_t)(end - at)) : NULL;
        const char *stop = space ? space : end;
        set_word(w, at, (size_t)(stop - at));
        at = stop + 1;
    }
    if (w->count == 1 && w->text[0] && w->size[0] == 0)
        w->count = 0;
}

/* ---- steps ----------------------------------------------------------------------------------- */

static bool is_allowed(const struct words *w)
{
    if (w->count == 0)
        return false;
    for (size_t i = 0; i < w->count; i++)
        if (!w->text[i])
            return false;
    const struct command *c = command_find(w->text[0], w->size[0], w->count > 1 ? w->text[1] : NULL,
                                           w->count > 1 ? w->size[1] : 0);
    FUZZ_CHECK(!c || (command_forbidden_reason(c) != NULL) == !!(c->flags & COMMAND_FORBIDDEN));
    return w->size[0] > 0 && !(c && c->flags & COMMAND_FORBIDDEN);
}

static void keep(const struct words *w)
{
    struct words *kept = &m.commands[m.count++];
    *kept = *w;
    for (size_t i = 0; i < w->count; i++)
        if (w->text[i] == w->numbers[i])
            kept->text[i] = kept->numbers[i];
}

static void check_outcome(const struct words *w, size_t index, bool good)
{
    vouch_error e;
    FUZZ_CHECK(index == (good ? m.count : VOUCH_NO_COMMAND));
    if (good)
        keep(w);
    else
        m.failed = true;
    FUZZ_CHECK(vouch_batch_count(m.batch) == m.count);
    FUZZ_CHECK((vouch_batch_error(m.batch, &e) != VOUCH_OK) == m.failed);
    FUZZ_CHECK(!m.failed ||
               (e.message[0] && e.effect == VOUCH_NOT_APPLIED && e.command == m.count));
}

static size_t add_in_pieces(const struct words *w, bool end)
{
    bool named = w->count && w->text[0];
    struct fuzz_input text = {w->text[0], named ? w->text[0] + w->size[0] : w->text[0]};
    char *name = named ? fuzz_line(&text) : NULL; /* there is no newline in a line */
    vouch_batch_begin(m.batch, name);
    for (size_t i = 1; i < w->count; i++)
        vouch_batch_argument(m.batch, w->arg[i]);
    size_t index = end ? vouch_batch_end(m.batch) : VOUCH_NO_COMMAND;
    free(name);
    return index;
}

/* begin takes the name as text: up to its first NUL, and a number as it is spelled. */
static void cut_name(struct words *w)
{
    const char *nul = w->count && w->text[0] ? memchr(w->text[0], 0, w->size[0]) : NULL;
    if (nul)
        w->size[0] = (size_t)(nul - w->text[0]);
}

static void begin(struct words *w, bool end)
{
    cut_name(w);
    bool good = !m.failed && !m.open && is_allowed(w), complete = w->count > 0;
    for (size_t i = 0; i < w->count; i++)
        complete = complete && w->text[i];
    bool was_open = m.open;
    size_t index = add_in_pieces(w, end);
    m.open = false;
    if (end) {
        check_outcome(w, index, good);
    } else {
        m.failed = m.failed || was_open || !complete;
        m.open = !m.failed;
    }
}

static void add(char how, const struct words *w)
{
    bool good = !m.failed && !m.open && is_allowed(w);
    size_t index = how == 'a' ? vouch_batch_addv(m.batch, vouch_args_of(w->arg, w->count))
                              : vouch_batch_argv(m.batch, w->count, w->text, w->size);
    m.open = false;
    check_outcome(w, index, good);
}

static void end_alone(void)
{
    struct words none = {0};
    if (m.open) /* of a command begun with `o`: whether it is taken is its own matter */
        vouch_batch_begin(m.batch, "x");
    m.open = false;
    m.failed = m.failed || vouch_batch_end(m.batch) == VOUCH_NO_COMMAND;
    FUZZ_CHECK(m.failed);
    check_outcome(&none, VOUCH_NO_COMMAND, false);
}

static void add_frozen(void)
{
    struct words none = {0};
    batch_freeze(m.batch);
    vouch_batch_clear(m.batch);
    vouch_batch_argument(m.batch, vouch_int(1));
    size_t index = vouch_batch_end(m.batch);
    FUZZ_CHECK(index == VOUCH_NO_COMMAND && vouch_batch_count(m.batch) == m.count);
    index = vouch_batch_add(m.batch, "PING");
    batch_thaw(m.batch);
    m.open = false;
    check_outcome(&none, index, false);
}

static void step(const char *line, size_t n)
{
    static struct words w;
    char how = n ? *line : 0;
    split(n > 2 ? line + 2 : line + n, n > 2 ? n - 2 : 0, &w);
    if (how == 'a' || how == 'v')
        add(how, &w);
    else if (how == 'b' || how == 'o')
        begin(&w, how == 'b');
    else if (how == 'e')
        end_alone();
    else if (how == 'f')
        add_frozen();
    else if (how == 'c') {
        vouch_batch_clear(m.batch);
        m.count = 0;
        m.failed = m.open = false;
    }
}

/* ---- what came of it ------------------------------------------------------------------------- */

/* The encoding is an array of strings, as a reply could be. */
static void check_encoding(void)
{
    struct reader r = {.limits = {1U << 30, 1U << 20, 2}};
    struct arena arena = {0};
    size_t at = 0;
    for (size_t i = 0; i < m.count; i++) {
        const struct words *w = &m.commands[i];
        size_t used = 0;
        FUZZ_CHECK(reader_read(&r, &arena, m.batch->bytes + at, m.batch->size - at, &used) ==
                   READER_REPLY);
        at += used;
        FUZZ_CHECK(m.batch->ends[i] == at && vouch_reply_count(r.reply) == w->count);
        for (size_t k = 0; k < w->count; k++) {
            vouch_string s = vouch_reply_string(vouch_reply_at(r.reply, k));
            FUZZ_CHECK(s.size == w->size[k] && memcmp(s.data, w->text[k], s.size) == 0);
        }
    }
    FUZZ_CHECK(at == m.batch->size);
    arena_free(&arena);
    reader_reset(&r);
}

/* By the book: bit by bit. */
static uint16_t slot_slowly(const char *key, size_t n)
{
    size_t from = 0, to = n;
    while (from < n && key[from] != '{')
        from++;
    size_t close = from + 1;
    while (close < n && key[close] != '}')
        close++;
    if (from < n && close < n && close > from + 1) {
        to = close;
        from++;
    } else {
        from = 0;
    }
    unsigned crc = 0;
    for (size_t i = from; i < to; i++) {
        crc ^= (unsigned)(unsigned char)key[i] << 8;
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 0x8000 ? (crc << 1 ^ 0x1021) & 0xffff : crc << 1 & 0xffff;
    }
    return (uint16_t)(crc % SLOT_COUNT);
}

static void check_keys(size_t i)
{
    const struct words *w = &m.commands[i];
    struct key_position out[WORDS_MAX];
    char *argv[WORDS_MAX];
    for (size_t k = 0; k < w->count; k++)
        argv[k] = fuzz_exact(w->text[k], w->size[k]);
    const char *const *words = (const char *const *)argv;
    const struct command *c = batch_command(m.batch, i);
    size_t count = 0, half = 0, first = 0, size = 0;
    enum keys_result result = command_keys(c, w->count, words, w->size, out, WORDS_MAX, &count);
    FUZZ_CHECK((result == KEYS_OK) == (count > 0) && count <= 2 * w->count);
    for (size_t k = 0; k < count && k < WORDS_MAX; k++) {
        FUZZ_CHECK(out[k].index > 0 && out[k].index < w->count && out[k].access);
        size_t n = w->size[out[k].index];
        FUZZ_CHECK(slot_of(argv[out[k].index], n) == slot_slowly(argv[out[k].index], n));
    }
    FUZZ_CHECK(command_keys(c, w->count, words, w->size, out, count / 2, &half) == result);
    FUZZ_CHECK(half == count);
    enum keys_result one = command_first_key(c, w->count, words, w->size, &first);
    const char *key = NULL;
    bool found = batch_first_key(m.batch, i, &key, &size);
    FUZZ_CHECK(result != KEYS_OK || (one == KEYS_OK && (count < 2 || first == out[0].index)));
    FUZZ_CHECK(w->count > FEW_WORDS || found == (one == KEYS_OK));
    FUZZ_CHECK(!found || w->count > FEW_WORDS ||
               (size == w->size[first] && memcmp(key, w->text[first], size) == 0));
    for (size_t k = 0; k < w->count; k++)
        free(argv[k]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = fuzz_input(data, size);
    m.batch = vouch_batch_new();
    FUZZ_CHECK(m.batch != NULL);
    m.count = 0;
    m.failed = m.open = false;
    while (fuzz_left(&in) && m.count < COMMANDS_MAX) {
        const char *newline = memchr(in.at, '\n', fuzz_left(&in)), *line = in.at;
        size_t n = newline ? (size_t)(newline - line) : fuzz_left(&in);
        in.at = newline ? newline + 1 : in.end;
        step(line, n);
    }
    check_encoding();
    for (size_t i = 0; i < m.count; i++)
        check_keys(i);
    vouch_batch_free(m.batch);
    return 0;
}
