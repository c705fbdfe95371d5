/* The answers of commit.lua and open.lua, and the few words of the latter. Pure.
 *
 * What does not look as it must is refused as a whole: an answer that is half believed would be a verdict
 * that nobody gave. */
#include "base/number.h"
#include "stream/commit.h"

#include <string.h>

bool stream_id_read(vouch_string text, struct stream_id *out)
{
    const char *dash = text.size ? memchr(text.data, '-', text.size) : NULL;
    if (!dash)
        return false;
    size_t n = (size_t)(dash - text.data);
    return number_parse_u64(text.data, n, &out->ms) &&
           number_parse_u64(dash + 1, text.size - n - 1, &out->seq);
}

/* Which of `words`, NULL at the end, the text is; -1: none. */
static int word_of(vouch_string text, const char *const *words)
{
    for (int i = 0; words[i]; i++)
        if (strlen(words[i]) == text.size && memcmp(words[i], text.data, text.size) == 0)
            return i;
    return -1;
}

/* Element i as text; false if it is something else. */
static bool text_at(const vouch_reply *reply, size_t i, vouch_string *out)
{
    const vouch_reply *r = vouch_reply_at(reply, i);
    if (vouch_reply_type(r) != VOUCH_TYPE_STRING)
        return false;
    *out = vouch_reply_string(r);
    return true;
}

static bool id_or_nothing(vouch_string text)
{
    struct stream_id id;
    return text.size == 0 || stream_id_read(text, &id);
}

/* ---- commit --------------------------------------------------------------------------------- */

static bool all_letters(vouch_string letters, size_t n)
{
    bool untouched = false, done = false;
    if (letters.size != n)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!letters.data[i] || !strchr("dfsgxXbn", letters.data[i]))
            return false;
        untouched = untouched || letters.data[i] == COMMIT_ENTRY_UNTOUCHED;
        done = done || strchr("dxXb", letters.data[i]);
    }
    return !(untouched && done); /* all or none */
}

static bool read_type(const vouch_reply *reply, size_t n, struct commit_answer *out)
{
    if (!vouch_reply_int64(vouch_reply_at(reply, 1), &out->entry) ||
        !vouch_reply_int64(vouch_reply_at(reply, 2), &out->effect) ||
        !text_at(reply, 3, &out->type) || vouch_reply_count(reply) != 4 || !out->type.size)
        return false;
    if (out->entry == -1)
        return out->effect == -1;
    return out->entry >= 0 && (uint64_t)out->entry < n && out->effect >= 0 &&
           out->effect < COMMIT_EFFECTS_MAX;
}

/* "?" or nothing. */
static bool doubt_at(const vouch_reply *reply, size_t i, bool *out)
{
    vouch_string word;
    if (!text_at(reply, i, &word) || word.size > 1 || (word.size == 1 && word.data[0] != '?'))
        return false;
    *out = word.size == 1;
    return true;
}

static bool read_commit(const vouch_reply *reply, size_t n, struct commit_answer *out)
{
    static const char *const words[] = {"done", "again", "stale", "reset", "type", NULL};
    vouch_string word;
    if (vouch_reply_type(reply) != VOUCH_TYPE_ARRAY || !text_at(reply, 0, &word))
        return false;
    int which = word_of(word, words);
    if (which < 0)
        return false;
    out->verdict = (enum commit_verdict)which;
    if (out->verdict == COMMIT_TYPE)
        return read_type(reply, n, out);
    bool settled = out->verdict == COMMIT_DONE || out->verdict == COMMIT_AGAIN;
    if (vouch_reply_count(reply) != (settled ? 3 : 2))
        return false;
    if (out->verdict == COMMIT_STALE)
        return vouch_reply_int64(vouch_reply_at(reply, 1), &out->sequence) && out->sequence > 0;
    if (out->verdict == COMMIT_RESET)
        return text_at(reply, 1, &out->generation);
    return text_at(reply, 1, &out->letters) && all_letters(out->letters, n) &&
           doubt_at(reply, 2, &out->doubted);
}

bool commit_answer_read(const vouch_reply *reply, size_t n, struct commit_answer *out)
{
    memset(out, 0, sizeof *out);
    if (read_commit(reply, n, out))
        return true;
    memset(out, 0, sizeof *out);
    return false;
}

/* ---- open ----------------------------------------------------------------------------------- */

void open_words_make(const struct open_call *call, vouch_arg keys[static OPEN_KEYS],
                     vouch_arg args[static OPEN_ARGS])
{
    keys[0] = vouch_bytes(call->stream.data, call->stream.size);
    keys[1] = vouch_bytes(call->state.data, call->state.size);
    args[0] = vouch_bytes(call->group.data, call->group.size);
    args[1] = vouch_bytes(call->start.data, call->start.size);
    args[2] = vouch_bytes(call->generation.data, call->generation.size);
    args[3] = vouch_text(call->mend ? "m" : "");
    args[4] = vouch_bytes(call->from.data, call->from.size);
}

static bool read_open(const vouch_reply *reply, struct open_answer *out)
{
    static const char *const words[] = {"created", "there", "adopted", "rebuilt", "anew", NULL};
    struct stream_id low;
    vouch_string word;
    if (vouch_reply_type(reply) != VOUCH_TYPE_ARRAY || vouch_reply_count(reply) != 5 ||
        !text_at(reply, 0, &word))
        return false;
    int which = word_of(word, words);
    if (which < 0)
        return false;
    out->verdict = (enum open_verdict)which;
    return text_at(reply, 1, &out->generation) && out->generation.size &&
           text_at(reply, 2, &out->low) && stream_id_read(out->low, &low) &&
           vouch_reply_int64(vouch_reply_at(reply, 3), &out->handed_out) && out->handed_out >= 0 &&
           text_at(reply, 4, &out->next) && id_or_nothing(out->next);
}

bool open_answer_read(const vouch_reply *reply, struct open_answer *out)
{
    memset(out, 0, sizeof *out);
    if (read_open(reply, out))
        return true;
    memset(out, 0, sizeof *out);
    return false;
}
