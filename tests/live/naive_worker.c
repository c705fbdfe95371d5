/* A consumer of the crowd, naive. */
#include "base.h"
#include "crowd.h"
#include "naive.h"
#include "stream/consumer.h"

#include <stdlib.h>
#include <string.h>

#define NO_STATE                                                                                   \
    {                                                                                              \
        "  local settled = last[run] and not before(id, first[run])", "  local settled = false"    \
    }
#define ANY_COUNT                                                                                  \
    {                                                                                              \
        "if count ~= held then", "if count < n then"                                               \
    }

enum { EDITS = 2 };

/* Of commit.lua. */
static const struct edit {
    const char *line, *instead;
} edits[NAIVES][EDITS] = {[NAIVE_COUNT] = {NO_STATE, ANY_COUNT},
                          [NAIVE_COUNT_ASK] = {ANY_COUNT},
                          [NAIVE_BELIEF] = {NO_STATE}};

static enum naive mine;

/* ---- the library's, and instead of them ------------------------------------------------------ */

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the linker's names */
const char *__real_commit_source(size_t *size);
const char *__wrap_commit_source(size_t *size);
vouch_status __real_commit_words_make(struct commit_words *words, const struct commit_call *call,
                                      vouch_error *error);
vouch_status __wrap_commit_words_make(struct commit_words *words, const struct commit_call *call,
                                      vouch_error *error);
vouch_status __real_commit_words_renew(struct commit_words *words, const struct commit_call *call,
                                       vouch_error *error);
vouch_status __wrap_commit_words_renew(struct commit_words *words, const struct commit_call *call,
                                       vouch_error *error);
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

static char *edited(char *source, const struct edit *edit)
{
    char *at = strstr(source, edit->line);
    if (!at || strstr(at + 1, edit->line))
        ts_die("not there once: %s", edit->line);
    size_t before = (size_t)(at - source), cut = strlen(edit->line), put = strlen(edit->instead);
    char *changed = ts_alloc(strlen(source) + put + 1);
    memcpy(changed, source, before);
    memcpy(changed + before, edit->instead, put);
    memcpy(changed + before + put, at + cut, strlen(at + cut)); /* the rest is zero */
    free(source);
    return changed;
}

const char *__wrap_commit_source(size_t *size)
{
    static char *source; /* for as long as the program runs */
    if (!source) {
        const char *ours = __real_commit_source(size);
        source = ts_copy(ours, *size);
        for (size_t i = 0; i < EDITS && edits[mine][i].line; i++)
            source = edited(source, &edits[mine][i]);
    }
    *size = strlen(source);
    return source;
}

/* What the consumer counts for the owner in the stream that this is a commit of. */
static int64_t held(const struct vouch_consumer *c, const struct commit_call *call)
{
    for (const struct owner *o = c->owner; o; o = o->next)
        for (size_t i = 0; i < c->stream_count; i++)
            if (o->name == call->consumer.data && c->streams[i].name.data == call->stream.data)
                return (int64_t)o->of[i].held;
    ts_die("a commit of nobody's");
}

static struct commit_call believed(const struct commit_words *words, const struct commit_call *call)
{
    struct commit_call changed = *call;
    const char *consumer = (const char *)words - offsetof(struct vouch_consumer, words);
    if (mine == NAIVE_BELIEF)
        changed.held = held((const void *)consumer, call);
    return changed;
}

vouch_status __wrap_commit_words_make(struct commit_words *words, const struct commit_call *call,
                                      vouch_error *error)
{
    struct commit_call changed = believed(words, call);
    return __real_commit_words_make(words, &changed, error);
}

vouch_status __wrap_commit_words_renew(struct commit_words *words, const struct commit_call *call,
                                       vouch_error *error)
{
    struct commit_call changed = believed(words, call);
    return __real_commit_words_renew(words, &changed, error);
}

int main(int argc, char **argv)
{
    const char *number = getenv(NAIVE_VARIABLE);
    if (!crowd_is_worker(argc, argv) || !number || strtoul(number, NULL, 10) >= NAIVES)
        return 2;
    mine = (enum naive)strtoul(number, NULL, 10);
    return crowd_work(argv);
}
