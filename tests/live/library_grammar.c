/* A grammar, and dice that choose among its rules. Invariants, for the servers' sake:
 *
 * 1. Loops go round once or twice; what a broken one would do, the server's own limit ends.
 * 2. A library's name and version are never broken: there vouch is stricter than servers on purpose. */
#include "library_grammar.h"

#include "dice.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* `$X` is a rule of symbol X, `$n` a name of its own in quotes; '~' a blank within a word. */
struct rule {
    char symbol;
    uint32_t weight;
    const char *text;
};

#define REG ". register_function"

/* Deep down, the first rule of a symbol is taken: it leads to an end. */
static const struct rule rules[] = {
    /* a chunk and a block of statements */
    {'M', 1, "$S $S"},
    {'M', 2, "$S $S $S"},
    {'M', 2, "$R $R $R $R"},
    {'M', 2, "$S $S $S $S $S"},
    {'M', 1, "$S $S $S return"},
    {'M', 1, "$S $S return $R"},
    {'B', 3, "$S"},
    {'B', 1, "$S $S"},
    /* statements */
    {'S', 4, "local u = 1"},
    {'S', 60, "$R"},
    {'S', 6, "$R ;"},
    {'S', 4, "$O"},
    {'S', 3, "$A"},
    {'S', 3, "local u = $E"},
    {'S', 2, "local function p ( ) $B end"},
    {'S', 2, "local function p ( ) $B end p ( )"},
    {'S', 3, "if $K then $B end"},
    {'S', 2, "if $K then $B else $B end"},
    {'S', 1, "for i = 1 , 1 do $B end"},
    {'S', 1, "for i = 1 , 0 do $B end"},
    {'S', 1, "for i = 1 , 2 do $L " REG " ( 'k' .. i , f ) end"},
    {'S', 1, "repeat $B until true"},
    {'S', 1, "while $K do $B break end"},
    {'S', 2, "do $B end"},
    {'S', 1, "do return end"},
    {'S', 2, "if $K then return end"},
    {'S', 1, "repeat return until true"},
    {'S', 1, "for i = 1 , 0 do return end"},
    {'S', 1, "while $K do if y then return 1 end break end"},
    {'S', 1, "if $K then return else $B end"},
    {'S', 1, "do local v = function ( ) if $K then return end end v ( ) end"},
    {'S', 1, "h ( ) ;"},
    {'S', 2, "--[[~redis.register_function('q',~f)~]]"},
    {'S', 1, "--~redis.register_function('q',~f)\n"},
    {'S', 1, "--[=[~]]~return~]=]"},
    {'S', 2, "local s = [[redis.register_function('q',~f)]]"},
    {'S', 1, "local s = 'redis.register_function(\"q\",~f)'"},
    {'S', 1, "local s = \"return~\\\"\\\nlocal~redis\""},
    {'S', 1, "redis . log ( redis . LOG_DEBUG , 'x' )"},
    {'S', 1, "local u = redis . REDIS_VERSION_NUM"},
    {'S', 1, "o " REG " ( 'q' , f )"},
    {'S', 1, "o . redis " REG " ( 'q' , f )"},
    {'S', 1, "x = $K"},
    {'S', 1, "f = h"},
    {'S', 1, "name = $N"},
    {'S', 1, "flags = $G"},
    /* registrations that are read */
    {'R', 20, "$L " REG " ( $n , f )"},
    {'R', 20, "$L " REG " ( $N , $C )"},
    {'R', 20, "$L " REG " { $F }"},
    {'R', 12, "$L " REG " ( { $F } )"},
    {'L', 14, "redis"},
    {'L', 1, "server"},
    /* and odd ones */
    {'O', 2, "$L " REG " ( ( $N ) , $C )"},
    {'O', 2, "$L " REG " ( $N .. $N , $C )"},
    {'O', 1, "$L " REG " ( $N )"},
    {'O', 1, "$L " REG " ( $N , $C , 1 )"},
    {'O', 1, "$L " REG " $N"},
    {'O', 1, "do local u = ( $L ) " REG " ( $N , $C ) end"},
    {'O', 2, "$L [ 'register_function' ] ( $N , $C )"},
    {'O', 1, "$L [ \"register\\095function\" ] ( $N , $C )"},
    {'O', 2, "$L [ 'register_' .. 'function' ] ( $N , $C )"},
    {'O', 1, "$L " REG " ( 'f' .. '' , f )"},
    {'O', 1, "$L " REG " ( ( { function_name = 'q' , n = 'f' } ) . n , f )"},
    {'O', 2, "$L " REG " ( name , $C )"},
    {'O', 2, "$L " REG " ( $K and $N or $N , $C )"},
    {'O', 1, "$L " REG " ( { $F } , f )"},
    {'O', 2, "$L " REG " ( ( { $F , n = $n } ) . n , f )"},
    {'O', 1, "$L " REG " ( ( { $F } ) )"},
    {'O', 1, "$L " REG " ( { $F } or 1 )"},
    {'O', 2, "$L " REG " ( { $F } and t )"},
    {'O', 2, "$L " REG " ( t )"},
    {'O', 1, "$L : register_function ( $N , $C )"},
    {'O', 2, "local u = $L " REG " ( $N , $C )"},
    {'O', 3, "local u = $K and $L " REG " ( $N , $C )"},
    {'O', 2, "local u = $K or $L " REG " { $F }"},
    {'O', 1, "local u = { $L " REG " ( $N , $C ) }"},
    {'O', 2, "h ( $L " REG " ( $N , $C ) )"},
    {'O', 2, "$L " REG " ( $N , $L " REG " ( $N , $C ) or f )"},
    {'O', 2, "$L " REG " ( $N , $K and f or h )"},
    {'O', 1, "t [ $L " REG " ( $N , $C ) or 1 ] = 1"},
    {'O', 1, "if $L " REG " ( $N , $C ) then $B end"},
    {'O', 1, "while $L " REG " ( $N , $C ) do $B break end"},
    {'O', 1,
     "do local v = ( 'ab' ) : gsub ( '.' , function ( c ) redis " REG " ( c , f ) end ) end"},
    {'O', 1, "; ( function ( ) $B end ) ( )"},
    /* the library under another name, another library under its name */
    {'A', 2, "local r = $L r " REG " ( $N , $C )"},
    {'A', 2, "do local r = $L $B r " REG " { $F } end"},
    {'A', 2, "local reg = $L " REG " reg ( $N , $C )"},
    {'A', 1, "local r = { redis } r [ 1 ] " REG " ( $N , $C )"},
    {'A', 1, "local r = { l = redis } r . l " REG " ( $N , $C )"},
    {'A', 1, "local function p ( a ) a " REG " ( $N , $C ) end p ( redis )"},
    {'A', 1, "local n = 'register_function' redis [ n ] ( $N , $C )"},
    {'A', 1, "local n = 'register_' redis [ n .. 'function' ] ( $N , $C )"},
    {'A', 1, "local redis = redis"},
    {'A', 1, "local r = redis local redis = o r " REG " ( $N , $C )"},
    {'A', 1, "local redis , r = o , redis r " REG " ( $N , $C )"},
    {'A', 1, "local r , redis = redis , o r " REG " ( $N , $C )"},
    {'A', 1, "local server = $W"},
    {'A', 1, "local u , server = 1 , $W"},
    {'A', 1, "local r = $L r " REG " ( 'f' , f )"},
    {'A', 1, "redis " REG " = h"},
    {'A', 1, "for redis = 1 , 1 do $B end"},
    {'A', 1, "do local redis = o $B end"},
    {'A', 1, "local function p ( redis ) $B end p ( $W )"},
    {'W', 1, "redis"},
    {'W', 1, "o"},
    /* names, callbacks, fields */
    {'N', 40, "$n"},
    {'N', 2, "'f'"},
    {'N', 1, "'F'"},
    {'N', 1, "[[l0]]"},
    {'N', 1, "[=[l1]=]"},
    {'N', 1, "'\\102'"},
    {'N', 1, "'a-b'"},
    {'N', 1, "'a~b'"},
    {'N', 1, "''"},
    {'N', 1, "'a\\\nb'"},
    {'N', 1, "'register_function'"},
    {'N', 1, "name"},
    {'N', 1, "5"},
    {'C', 12, "f"},
    {'C', 3, "function ( ) return 1 end"},
    {'C', 1, "function ( ) $B end"},
    {'C', 2, "function ( redis ) if x then return 2 end return redis end"},
    {'C', 1, "function ( ) local s = { flags = { 'no-writes' } } return s end"},
    {'C', 1, "$L " REG " ( $N , f ) or f"},
    {'C', 1, "o [ 'x' ]"},
    {'C', 1, "o . x"},
    {'C', 1,
     "function ( ) local s = { function_name = 'q' , flags = { 'no-writes' } } return s end"},
    {'C', 1, "x"},
    {'F', 8, "function_name = $N , callback = $C"},
    {'F', 2, "function_name = 'f' , callback = f , flags = { 'no-writes' }"},
    {'F', 4, "callback = $C , function_name = $n $X"},
    {'F', 8, "flags = $G , function_name = $n , callback = $C $X"},
    {'F', 8, "function_name = $n , callback = $C , flags = $G $X"},
    {'F', 3, "FUNCTION_NAME = $n ; Callback = $C ; FLAGS = $G $X"},
    {'F', 1, "[ 'function_name' ] = $N , callback = $C $X"},
    {'F', 1, "function_name = $N , [ 'flags' ] = $G , callback = $C $X"},
    {'F', 1, "function_name = $N , function_name = $N , callback = $C"},
    {'F', 2, "$V = $n , $V = $n , callback = $C"},
    {'F', 1, "function_name = $N , [ $Y ] = $N , callback = $C"},
    {'F', 2, "function_name = $n , callback = $C , $Z = $G , $Z = $G"},
    {'F', 2, "function_name = $n , callback = $C , flags = $G , flags = $G"},
    {'F', 1, "function_name = $n , callback = $C , flags = $G , [ $Y ] = $G"},
    {'F', 1, "function_name = $n , callback = $C , description = 'flags={},~function_name=1'"},
    {'F', 1, "function_name = $N .. 'z' , callback = $C $X"},
    {'F', 1, "function_name = $K and $N or $N , callback = $C"},
    {'F', 1, "description = 'function_name' , function_name = $n , callback = $C"},
    {'F', 1, "function_name = $n , callback = f , flags = { $L " REG " { $F } , 'no-writes' }"},
    {'V', 1, "function_name"},
    {'V', 1, "FUNCTION_NAME"},
    {'V', 1, "Function_Name"},
    {'V', 1, "function_namE"},
    {'Z', 1, "flags"},
    {'Z', 1, "FLAGS"},
    {'Z', 1, "Flags"},
    {'Z', 1, "flagS"},
    {'X', 8, ""},
    {'X', 1, ","},
    {'X', 1, ";"},
    {'X', 1, ", nil"},
    {'X', 1, ", description = $N"},
    {'X', 1, ", [ 2 ] = nil"},
    {'X', 1, ", [ $Y ] = nil"},
    {'Y', 1, "'fl' .. 'ags'"},
    {'Y', 1, "\"flags\""},
    {'Y', 1, "[[FLAGS]]"},
    {'Y', 1, "'function_name'"},
    {'Y', 1, "name"},
    /* lists of flags */
    {'G', 10, "{ 'no-writes' }"},
    {'G', 3, "{ }"},
    {'G', 3, "{ 'allow-oom' }"},
    {'G', 3, "{ 'no-writes' , 'allow-oom' }"},
    {'G', 2, "{ 'allow-oom' ; \"no-writes\" , }"},
    {'G', 1, "{ 'no-writes' , 'no-writes' }"},
    {'G', 1, "{ \"no\\045writes\" }"},
    {'G', 1, "{ [[no-writes]] }"},
    {'G', 1, "{ 'NO-WRITES' }"},
    {'G', 2, "{ nil , 'no-writes' }"},
    {'G', 1, "{ 'no-writes' , nil }"},
    {'G', 2, "{ [ 2 ] = 'no-writes' }"},
    {'G', 1, "{ [ 1 ] = 'no-writes' }"},
    {'G', 2, "{ 'no-writes' , [ 1 ] = 'allow-oom' }"},
    {'G', 1, "{ n = 'no-writes' }"},
    {'G', 1, "{ n = 1 , 'no-writes' }"},
    {'G', 2, "flags"},
    {'G', 1, "{ 'no-writes' } and { }"},
    {'G', 1, "{ 'no-writes' } or { }"},
    {'G', 1, "{ 'no-writes' .. name }"},
    {'G', 1, "{ { 'no-writes' } }"},
    {'G', 1, "{ ( 'no-writes' ) }"},
    {'G', 2, "{ $K , 'no-writes' }"},
    {'G', 1, "{ $K and 'no-writes' }"},
    {'G', 1, "{ x == 'no-writes' , 'allow-oom' }"},
    {'G', 1, "{ 'no-writes' and 'allow-oom' }"},
    {'G', 1, "{ 'allow-oom' , not 'no-writes' }"},
    {'G', 1, "{ h ( ) , 'no-writes' }"},
    {'G', 1, "{ 'no-writes' , function ( ) end }"},
    {'G', 1, "{ 'allow-oom' , f and 'no-writes' }"},
    {'G', 1, "nil"},
    {'G', 1, "'no-writes'"},
    {'G', 1, "{ 'bogus' }"},
    {'G', 1, "{ 'no-writes' ; 'allow-stale' ; 'no-cluster' }"},
    /* conditions and other expressions */
    {'K', 2, "nil"},
    {'K', 2, "true"},
    {'K', 3, "x"},
    {'K', 3, "y"},
    {'K', 1, "not x"},
    {'K', 1, "x == y"},
    {'K', 1, "redis . REDIS_VERSION_NUM > 5"},
    {'K', 1, "( $K )"},
    {'K', 1, "#name > 5"},
    {'E', 2, "1"},
    {'E', 2, "'a'"},
    {'E', 1, "..."},
    {'E', 1, "t"},
    {'E', 1, "{ function_name = 'q' , redis = 1 }"},
    {'E', 2, "function ( ) $B end"},
    {'E', 1, "redis . LOG_NOTICE"},
    {'E', 1, "redis"},
    {'E', 1, "redis " REG},
    {'E', 1, "$K"},
    {'E', 1, "o . redis"},
};

enum { TOKENS_MAX = 700, TOKEN_MAX = 64, DEPTH_MAX = 14 };

struct text {
    uint64_t dice;
    unsigned names;
    size_t count;
    char tokens[TOKENS_MAX][TOKEN_MAX];
};

static bool chance(struct text *t, uint32_t of)
{
    return dice_below(&t->dice, of) == 0;
}

static void put(struct text *t, const char *word, size_t size)
{
    if (t->count == TOKENS_MAX || size >= TOKEN_MAX)
        return;
    char *to = t->tokens[t->count++];
    for (size_t i = 0; i < size; i++)
        to[i] = word[i] == '~' ? ' ' : word[i];
    to[size] = 0;
}

static void put_name(struct text *t)
{
    char word[TOKEN_MAX];
    char quote = chance(t, 3) ? '"' : '\'';
    int size = snprintf(word, sizeof word, "%cn%u%c", quote, t->names++, quote);
    put(t, word, (size_t)size);
}

static const char *choose(struct text *t, char symbol, int depth)
{
    const struct rule *end = rules + sizeof rules / sizeof *rules, *first = rules;
    uint32_t total = 0;
    while (first->symbol != symbol)
        first++;
    for (const struct rule *r = first; r < end && r->symbol == symbol; r++)
        total += r->weight;
    uint32_t n = depth < DEPTH_MAX ? dice_below(&t->dice, total) : 0;
    for (; n >= first->weight; first++)
        n -= first->weight;
    return first->text;
}

static void expand(struct text *t, const char *form, int depth)
{
    while (*form) {
        size_t size = strcspn(form, " ");
        if (form[0] != '$')
            put(t, form, size);
        else if (form[1] == 'n')
            put_name(t);
        else
            expand(t, choose(t, form[1], depth), depth + 1);
        form += size;
        form += *form == ' ';
    }
}

/* ---- words with something between them ------------------------------------------------------ */

/* One word is missing, doubled, replaced, or in its neighbour's place. */
static void break_somewhere(struct text *t)
{
    static const char *const others[] = {"end",   "(",  ")",      "{", "}",      ",",     "redis",
                                         "local", "do", "..",     ".", "return", "until", "'",
                                         "[[",    "--", "server", "=", "f",      "nil",   "break"};
    char spare[TOKEN_MAX];
    if (t->count < 2)
        return;
    size_t at = dice_below(&t->dice, (uint32_t)t->count - 1);
    switch (dice_below(&t->dice, 4)) {
    case 0:
        memmove(t->tokens[at], t->tokens[at + 1], (t->count - at - 1) * TOKEN_MAX);
        t->count--;
        break;
    case 1:
        if (t->count == TOKENS_MAX)
            t->count--;
        memmove(t->tokens[at + 1], t->tokens[at], (t->count - at) * TOKEN_MAX);
        t->count++;
        break;
    case 2:
        memcpy(spare, t->tokens[at], TOKEN_MAX);
        memcpy(t->tokens[at], t->tokens[at + 1], TOKEN_MAX);
        memcpy(t->tokens[at + 1], spare, TOKEN_MAX);
        break;
    default:
        (void)snprintf(t->tokens[at], TOKEN_MAX, "%s",
                       others[dice_below(&t->dice, sizeof others / sizeof *others)]);
    }
}

static bool stands_alone(char c)
{
    return c && strchr("(){},;", c) != NULL;
}

static const char *between(struct text *t, const char *before, const char *after)
{
    static const char *const odd[] = {"\n",
                                      "\t",
                                      "\r\n",
                                      "\f",
                                      " --\n",
                                      " --[[ x ]] ",
                                      "--[=[\n'redis.register_function(\"q\", f)]=]",
                                      "--[[]]"};
    const uint32_t odds = sizeof odd / sizeof *odd;
    bool tight = stands_alone(before[strlen(before) - 1]) || stands_alone(after[0]);
    if (tight && chance(t, 2))
        return "";
    if (!chance(t, 20))
        return " ";
    /* Lua 5.1 takes no call whose bracket is on the next line: seldom, or little would load. */
    if (after[0] == '(' && !chance(t, 10))
        return odd[odds - 1];
    return odd[dice_below(&t->dice, odds)];
}

const char *library_grammar_locals(uint64_t sort)
{
/* The field's name is put together, since a source with it written out is never complete. */
#define COMMON                                                                                     \
    "local f, g, h, u = function() return 1 end, function() end, function() end "                  \
    "local o = {x = f} o['register_' .. 'function'] = g o.redis = o "
#define DEFINITION "local t = {function_name = 'f', callback = f} "
#define IMPOSTOR   "local t = o "
    static const char *const all[LIBRARY_GRAMMAR_LOCALS] = {
        COMMON DEFINITION "local x, y, name, flags = nil, nil, 'name', {'no-writes'}\n",
        COMMON DEFINITION "local x, y, name, flags = true, nil, 'flags', {}\n",
        COMMON IMPOSTOR
        "local x, y, name, flags = 'x', true, 'function_name', {'allow-oom', 'no-writes'}\n",
        COMMON IMPOSTOR "local x, y, name, flags = f, true, 'f', {'allow-oom'}\n",
    };
    return all[sort % LIBRARY_GRAMMAR_LOCALS];
}

size_t library_grammar_write(char out[static LIBRARY_GRAMMAR_MAX], uint64_t seed, uint64_t number)
{
    static const char *const lines[] = {"#!lua name=l\n", "#!LUA NAME=Ab_9\r\n",
                                        "#!lua \v\f name=l  \n",
                                        "#!lua\tName=a\n-- version: 1.2\n"};
    struct text t = {.dice = dice_of(seed, number, 0)};
    size_t at = 0;
    for (uint32_t i = 0; i < 3; i++)
        (void)dice_next(&t.dice);
    const char *line = lines[chance(&t, 4) ? dice_below(&t.dice, 4) : 0];
    const char *locals = library_grammar_locals(dice_next(&t.dice));
    expand(&t, "$M", 0);
    if (chance(&t, 6))
        break_somewhere(&t);
    at += (size_t)snprintf(out, LIBRARY_GRAMMAR_MAX, "%s%s", line, locals);
    for (size_t i = 0; i < t.count && at < LIBRARY_GRAMMAR_MAX - 2 * TOKEN_MAX; i++)
        at += (size_t)snprintf(out + at, LIBRARY_GRAMMAR_MAX - at, "%s%s", t.tokens[i],
                               i + 1 < t.count ? between(&t, t.tokens[i], t.tokens[i + 1]) : "");
    return at;
}
