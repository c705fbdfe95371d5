/* What commands answer, as scripts see it under RESP2: an integer is a number, a bulk a string, nil false, a
 * status a table with `ok`. May call: command/table. */
#include "lint/flow.h"

#include <string.h>

struct reply_row {
    const char *name, *letters;
};

static const struct reply_row rows[] = {
#include "lint/flow_replies.inc"
};

/* What an option changes. Looked for from argument `first` on, the first key being 1. */
static const struct reply_option {
    const char *name;
    size_t first;
    const char *word;    /* NULL: any argument there */
    const char *letters; /* in place of the row's; or, after '+', to be added to them */
} options[] = {
    {"GEORADIUS", 6, "STORE", "n"},
    {"GEORADIUS", 6, "STOREDIST", "n"},
    {"GEORADIUSBYMEMBER", 5, "STORE", "n"},
    {"GEORADIUSBYMEMBER", 5, "STOREDIST", "n"},
    {"HRANDFIELD", 2, NULL, "t:s"},
    {"LCS", 3, "IDX", "t"},
    {"LCS", 3, "LEN", "n"},
    {"LPOP", 2, NULL, "tz:s"},
    {"LPOS", 3, "COUNT", "t:n"},
    {"PING", 1, NULL, "s"},
    {"RPOP", 2, NULL, "tz:s"},
    {"SET", 3, "GET", "sz"},
    {"SET", 3, "IFEQ", "+z"},
    {"SET", 3, "NX", "+z"},
    {"SET", 3, "XX", "+z"},
    {"SORT", 2, "STORE", "n"},
    {"SPOP", 2, NULL, "t:s"},
    {"SRANDMEMBER", 2, NULL, "t:s"},
    {"VRANDMEMBER", 2, NULL, "tz:s"},
    {"XADD", 2, "NOMKSTREAM", "+z"},
    {"XCLAIM", 5, "JUSTID", "t:s"},
    {"ZADD", 2, "INCR", "s"},
    {"ZRANDMEMBER", 2, NULL, "t:s"},
    {"ZRANK", 3, "WITHSCORE", "tz"},
    {"ZREVRANK", 3, "WITHSCORE", "tz"},
};

static const struct reply_row *row_of(const char *name)
{
    size_t low = 0, high = sizeof rows / sizeof rows[0];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, rows[middle].name);
        if (order == 0)
            return &rows[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static bool is_word(const struct lint_node *node, const char *word)
{
    const struct fact *fact = (const struct fact *)node->value;
    if (!flow_is_text(fact) || fact->value.text.size != strlen(word))
        return false;
    for (size_t i = 0; word[i]; i++) {
        char c = fact->value.text.text[i];
        if ((c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c) != word[i])
            return false;
    }
    return true;
}

/* Arguments from `first` on. */
static const struct lint_node *from(const struct lint_call *call, size_t first)
{
    const struct lint_node *node = call->arguments;
    for (size_t i = 1; node && i < first; i++)
        node = node->next;
    return node;
}

static bool is_given(const struct lint_call *call, const struct reply_option *option)
{
    const struct lint_node *node = from(call, option->first);
    if (!option->word)
        return node && !(call->open && !node->next);
    for (; node; node = node->next)
        if (is_word(node, option->word))
            return true;
    return false;
}

/* SET's own: an option that is no constant may be any. What stands behind these is a value. */
static bool is_uncertain(const struct lint_call *call)
{
    if (strcmp(call->name, "SET") != 0)
        return false;
    for (const struct lint_node *node = from(call, 3); node; node = node->next) {
        if (!flow_is_text((const struct fact *)node->value))
            return true;
        if (node->next && (is_word(node, "EX") || is_word(node, "PX") || is_word(node, "EXAT") ||
                           is_word(node, "PXAT") || is_word(node, "IFEQ")))
            node = node->next;
    }
    return false;
}

/* ZADD … INCR answers nil when a condition does not hold. */
static bool is_conditional(const struct lint_call *call)
{
    static const char *const words[] = {"NX", "XX", "GT", "LT"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        for (const struct lint_node *node = from(call, 2); node; node = node->next)
            if (is_word(node, words[i]))
                return true;
    return false;
}

static struct fact answer(const struct lint_call *call, const struct reply_row *row)
{
    struct fact fact = flow_letters(row->letters);
    bool has_options = false;
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        const struct reply_option *option = &options[i];
        if (strcmp(option->name, row->name) != 0)
            continue;
        has_options = true;
        if (!is_given(call, option))
            continue;
        if (option->letters[0] == '+') {
            struct fact more = flow_letters(option->letters + 1);
            fact.value.types |= more.value.types;
        } else {
            fact = flow_letters(option->letters);
            if (strcmp(row->name, "ZADD") == 0 && is_conditional(call))
                fact.value.types |= LINT_TYPE_FALSE;
            break;
        }
    }
    if ((has_options && call->open) || is_uncertain(call))
        fact.value.unknown = true;
    return fact;
}

const struct fact *flow_reply(struct flow *flow, const struct lint_node *node, bool protected)
{
    struct lint_call call;
    if (!lint_call_of(flow->arena, node, &call)) {
        flow->failed = true;
        return flow->unknown;
    }
    const struct reply_row *row = call.name ? row_of(call.name) : NULL;
    struct fact fact = {.value = {.unknown = true}};
    if (row && !flow->resp3)
        fact = answer(&call, row);
    fact.value.origins = LINT_FROM_REPLY;
    if (call.name && strcmp(call.name, "TIME") == 0) {
        fact.value.origins |= LINT_FROM_TIME;
    }
    fact.value.reply = call.command;
    fact.value.reply_name = call.name;
    if (protected) {
        fact.value.origins |= LINT_FROM_PCALL;
        if (!(fact.value.types & LINT_TYPE_TABLE) && !fact.value.unknown)
            fact.elements = "err"; /* if it is a table, it is an error */
        fact.value.types |= LINT_TYPE_TABLE;
        fact.value.constant = false;
    }
    return flow_keep(flow, &fact);
}

uint16_t lint_reply_types(const struct command *command)
{
    const struct reply_row *row = command ? row_of(command->name) : NULL;
    if (!row)
        return 0;
    unsigned types = flow_letters(row->letters).value.types;
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        const char *letters = options[i].letters;
        if (strcmp(options[i].name, row->name) == 0)
            types |= flow_letters(letters + (letters[0] == '+')).value.types;
    }
    if (strcmp(row->name, "ZADD") == 0)
        types |= LINT_TYPE_FALSE;
    return (uint16_t)types;
}
