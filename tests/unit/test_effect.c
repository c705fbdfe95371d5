/* Every row of the rules that say what became of a command. */
#include "command/effect.h"
#include "suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum flag { HANDED = 1, PLAIN_SCRIPT = 2, NEED = 4 };

#define DENIED(user, command) "NOPERM " user " has no permissions to run the '" command "' command"
#define UNWRITABLE            "MISCONF Errors writing to the AOF file: "
#define DENIED_KEY            "NOPERM this user has no permissions to access one of the keys used as arguments"
#define NOSCRIPT              "NOSCRIPT No matching script. Please use EVAL."
#define OOM_LINE              "OOM command not allowed when used memory > 'maxmemory'."

struct row {
    const char *command; /* two words where the second one matters */
    const char *error;   /* NULL: lost; "": a value */
    int flags;
    vouch_status status;
    vouch_effect effect;
    enum remedy remedy;
};

#define LOST       NULL
#define VALUE      ""
#define NOT(r)     VOUCH_ESERVER, VOUCH_NOT_APPLIED, r
#define MAYBE      VOUCH_ESERVER, VOUCH_MAYBE_APPLIED, REMEDY_NONE
#define APPLIED    VOUCH_OK, VOUCH_APPLIED, REMEDY_NONE
#define UNSENT     VOUCH_ENOTSENT, VOUCH_NOT_APPLIED, REMEDY_SEND
#define UNKNOWN(r) VOUCH_EUNKNOWN, VOUCH_MAYBE_APPLIED, r

static const struct row rows[] = {
    /* lost */
    {"SET", LOST, 0, UNSENT},
    {"GET", LOST, 0, UNSENT},
    {"EVALSHA", LOST, 0, UNSENT},
    {"NOSUCH", LOST, 0, UNSENT},
    {"SET", LOST, HANDED, UNKNOWN(REMEDY_NONE)},
    {"NOSUCH", LOST, HANDED, UNKNOWN(REMEDY_NONE)},
    {"EVALSHA", LOST, HANDED, UNKNOWN(REMEDY_NONE)},
    {"GET", LOST, HANDED, UNKNOWN(REMEDY_SEND)},
    {"EVALSHA_RO", LOST, HANDED, UNKNOWN(REMEDY_SEND)},
    {"OBJECT ENCODING", LOST, HANDED, UNKNOWN(REMEDY_SEND)},
    {"PUBLISH", LOST, HANDED, UNKNOWN(REMEDY_NONE)},
    /* values */
    {"SET", VALUE, HANDED, APPLIED},
    {"EVALSHA", VALUE, HANDED, APPLIED},
    {"NOSUCH", VALUE, HANDED, APPLIED},
    /* plain: passing refusals */
    {"SET", "LOADING Redis is loading the dataset in memory", HANDED, NOT(REMEDY_WAIT)},
    {"SET", "LOADING", HANDED, NOT(REMEDY_WAIT)},
    {"GET", "LOADING x", HANDED, NOT(REMEDY_WAIT)},
    {"SET", "BUSY Redis is busy running a script.", HANDED, NOT(REMEDY_WAIT)},
    {"SET", OOM_LINE, HANDED, NOT(REMEDY_WAIT)},
    {"SET", "READONLY You can't write against a read only replica.", HANDED, NOT(REMEDY_WAIT)},
    {"SET", "MASTERDOWN x", HANDED, NOT(REMEDY_WAIT)},
    {"SET", "MISCONF x", HANDED, NOT(REMEDY_WAIT)},
    {"SET", "NOREPLICAS x", HANDED, NOT(REMEDY_WAIT)},
    {"MSET", "TRYAGAIN x", HANDED, NOT(REMEDY_WAIT)},
    {"SET", "CLUSTERDOWN x", HANDED, NOT(REMEDY_WAIT)},
    {"SET", "MOVED 1 127.0.0.1:1", HANDED, NOT(REMEDY_REDIRECT)},
    {"SET", "ASK 1 127.0.0.1:1", HANDED, NOT(REMEDY_REDIRECT)},
    /* plain: final refusals; codes are whole words */
    {"RESTORE", "BUSYKEY Target key name already exists.", HANDED, NOT(REMEDY_NONE)},
    {"XGROUP CREATE", "BUSYGROUP x", HANDED, NOT(REMEDY_NONE)},
    {"SET", "LOADINGS x", HANDED, NOT(REMEDY_NONE)},
    {"SET", "ASKING x", HANDED, NOT(REMEDY_NONE)},
    {"SET", "ERR OOM x", HANDED, NOT(REMEDY_NONE)},
    {"SET", " LOADING x", HANDED, NOT(REMEDY_NONE)},
    {"LPUSH", "WRONGTYPE x", HANDED, NOT(REMEDY_NONE)},
    {"SET", "NOPERM x", HANDED, NOT(REMEDY_NONE)},
    {"SET", "NOAUTH x", HANDED, NOT(REMEDY_AUTH)},
    {"SET", "NOAUTHS x", HANDED, NOT(REMEDY_NONE)},
    {"EVALSHA", "NOAUTH x", HANDED, MAYBE},
    {"SET", "DENIED x", HANDED, NOT(REMEDY_NONE)},
    {"SET", "ERR wrong number of arguments for 'set' command", HANDED, NOT(REMEDY_NONE)},
    {"SET", "ERR syntax error", HANDED, NOT(REMEDY_NONE)},
    {"SET", NOSCRIPT, HANDED, NOT(REMEDY_NONE)},
    /* what may write before it fails */
    {"PFADD", "INVALIDOBJ Corrupted HLL object detected", HANDED, MAYBE},
    {"PFMERGE", "INVALIDOBJ Corrupted HLL object detected", HANDED, MAYBE},
    {"PFCOUNT", "INVALIDOBJ Corrupted HLL object detected", HANDED, NOT(REMEDY_NONE)},
    {"PFADD", "WRONGTYPE x", HANDED, NOT(REMEDY_NONE)},
    {"PFADD", OOM_LINE, HANDED, NOT(REMEDY_WAIT)},
    {"BLMOVE", "UNBLOCKED x", HANDED, MAYBE},
    {"XREAD", "UNBLOCKED x", HANDED, NOT(REMEDY_NONE)},
    {"MIGRATE", "IOERR error or timeout writing to target instance", HANDED, MAYBE},
    {"MIGRATE", "LOADING x", HANDED, MAYBE},
    {"JSON.SET", "ERR x", HANDED, MAYBE},
    {"VADD", "ERR x", HANDED, MAYBE},
    {"NOSUCH", "ERR x", HANDED, MAYBE},
    {"NOSUCH", OOM_LINE, HANDED, MAYBE},
    /* an unknown command did nothing, if it is the one that was sent */
    {"NOSUCH", "ERR unknown command 'NOSUCH', with args beginning with: ", HANDED,
     NOT(REMEDY_NONE)},
    {"NOSUCH", "ERR unknown command 'NOSUCH2', with args beginning with: ", HANDED, MAYBE},
    {"NOSUCH", "ERR unknown command 'NOSUC', with args beginning with: ", HANDED, MAYBE},
    {"NOSUCH", "ERR unknown command 'NOSUCH", HANDED, MAYBE},
    {"NOSUCH", "ERR unknown command", HANDED, MAYBE},
    /* scripts may say anything */
    {"EVAL", "ERR x", HANDED, MAYBE},
    {"EVALSHA", "WRONGTYPE x", HANDED, MAYBE},
    {"EVALSHA", OOM_LINE, HANDED, MAYBE},
    {"EVALSHA", "MOVED 1 1.2.3.4:5", HANDED, MAYBE},
    {"EVALSHA", "READONLY x", HANDED, MAYBE},
    {"EVALSHA", "BUSY lock held", HANDED, MAYBE},
    {"FCALL", "LOADING Redis is loading the dataset in memory", HANDED, MAYBE},
    {"EVALSHA", OOM_LINE, HANDED | PLAIN_SCRIPT, NOT(REMEDY_WAIT)},
    {"EVALSHA", "OOM x", HANDED | PLAIN_SCRIPT, MAYBE},
    {"FCALL", "LOADING Valkey is loading the dataset in memory", HANDED | PLAIN_SCRIPT,
     NOT(REMEDY_WAIT)},
    {"EVALSHA", "ERR x", HANDED | PLAIN_SCRIPT, MAYBE},
    /* denied to the user: the command itself, or a key of it */
    {"EVALSHA", DENIED("User a b", "evalsha"), HANDED | PLAIN_SCRIPT, NOT(REMEDY_NONE)},
    {"EVALSHA", DENIED("this user", "evalsha"), HANDED | PLAIN_SCRIPT, NOT(REMEDY_NONE)},
    {"FCALL", DENIED("User a b", "fcall"), HANDED | PLAIN_SCRIPT, NOT(REMEDY_NONE)},
    {"EVALSHA", DENIED("User a b", "evalsha"), HANDED, MAYBE},
    {"EVALSHA", DENIED("User a b", "fcall"), HANDED | PLAIN_SCRIPT, MAYBE},
    {"EVALSHA", DENIED("User a b", "xevalsha"), HANDED | PLAIN_SCRIPT, MAYBE},
    {"EVALSHA", DENIED("User a b", "evalsha") " ", HANDED | PLAIN_SCRIPT, MAYBE},
    {"EVALSHA", DENIED("User a b", "evalsha") " script: 12, on @user_script:1.",
     HANDED | PLAIN_SCRIPT, MAYBE},
    {"EVALSHA", "NOPERM 'evalsha' command", HANDED | PLAIN_SCRIPT, MAYBE},
    {"EVALSHA", "NOPERM evalsha' command", HANDED | PLAIN_SCRIPT, MAYBE},
    {"EVALSHA", "NOPERM ' command", HANDED | PLAIN_SCRIPT, MAYBE},
    {"EVALSHA", "NOPERM No permissions to access a key", HANDED | PLAIN_SCRIPT, NOT(REMEDY_NONE)},
    {"EVALSHA", DENIED_KEY, HANDED | PLAIN_SCRIPT, NOT(REMEDY_NONE)},
    {"EVALSHA", DENIED_KEY, HANDED, MAYBE},
    {"EVALSHA", "NOPERM x", HANDED | PLAIN_SCRIPT, MAYBE},
    {"EVALSHA", UNWRITABLE "No space left on device", HANDED | PLAIN_SCRIPT, NOT(REMEDY_WAIT)},
    {"EVALSHA", UNWRITABLE "No space left on device", HANDED, MAYBE},
    {"EVALSHA", UNWRITABLE, HANDED | PLAIN_SCRIPT, MAYBE},
    {"EVALSHA", UNWRITABLE "x script: 12, on @user_script:1.", HANDED | PLAIN_SCRIPT, MAYBE},
    {"EVALSHA_RO", "ERR x", HANDED, NOT(REMEDY_NONE)},
    {"EVALSHA_RO", "BUSY lock held", HANDED, NOT(REMEDY_NONE)},
    {"EVALSHA_RO", "LOADING Redis is loading the dataset in memory", HANDED, NOT(REMEDY_WAIT)},
    /* what is missing can be loaded: only by the exact line */
    {"EVALSHA", NOSCRIPT, HANDED | NEED | PLAIN_SCRIPT, NOT(REMEDY_LOAD)},
    {"EVALSHA", NOSCRIPT, HANDED | NEED, VOUCH_ESERVER, VOUCH_MAYBE_APPLIED, REMEDY_CHECK},
    {"EVALSHA", NOSCRIPT, HANDED, MAYBE},
    {"EVALSHA", "NOSCRIPT No matching script.", HANDED | NEED | PLAIN_SCRIPT, NOT(REMEDY_LOAD)},
    {"EVALSHA", NOSCRIPT, HANDED | PLAIN_SCRIPT, MAYBE},
    {"EVALSHA", "NOSCRIPT", HANDED | NEED, MAYBE},
    {"EVALSHA", NOSCRIPT " ", HANDED | NEED, MAYBE},
    {"EVALSHA", "NOSCRIPT No matching script. Please use EVAL", HANDED | NEED, MAYBE},
    {"EVALSHA_RO", NOSCRIPT, HANDED | NEED, NOT(REMEDY_LOAD)},
};

static const char *const noscript[] = {NOSCRIPT, "NOSCRIPT No matching script.", NULL};

START_TEST(every_row_of_the_rules)
{
    const struct row *r = &rows[_i];
    const char *sub = strchr(r->command, ' ');
    size_t n = sub ? (size_t)(sub - r->command) : strlen(r->command);
    struct happening h = {.name = r->command, .name_size = n};
    h.command = command_find(r->command, n, sub ? sub + 1 : NULL, sub ? strlen(sub + 1) : 0);
    ck_assert_msg(h.command || strstr("NOSUCH JSON.SET", r->command), "%s has no entry",
                  r->command);
    h.handed = r->flags & HANDED;
    h.honest = r->flags & PLAIN_SCRIPT;
    h.missing = r->flags & NEED ? noscript : NULL;
    h.answer = !r->error ? ANSWER_NONE : *r->error ? ANSWER_ERROR : ANSWER_VALUE;
    h.error = r->error;
    h.error_size = r->error ? strlen(r->error) : 0;
    struct verdict v = effect_judge(&h);
    const char *error = r->error ? r->error : "lost";
    ck_assert_msg(v.status == r->status, "%s, %s: status %d", r->command, error, (int)v.status);
    ck_assert_msg(v.effect == r->effect, "%s, %s: effect %d", r->command, error, (int)v.effect);
    ck_assert_msg(v.remedy == r->remedy, "%s, %s: remedy %d", r->command, error, (int)v.remedy);
}
END_TEST

/* The error is a span: nothing beyond its end is looked at. */
START_TEST(errors_need_no_final_NUL)
{
    static const char code[] = "BUSYKEY";
    struct happening h = {.command = command_find("SET", 3, NULL, 0),
                          .name = "SET",
                          .name_size = 3,
                          .answer = ANSWER_ERROR,
                          .error = code,
                          .error_size = 4,
                          .handed = true};
    ck_assert_int_eq(effect_judge(&h).remedy, REMEDY_WAIT);
    h.error_size = 7;
    ck_assert_int_eq(effect_judge(&h).remedy, REMEDY_NONE);
    h.error_size = 0;
    ck_assert_int_eq(effect_judge(&h).effect, VOUCH_NOT_APPLIED);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("effect");
    TCase *c = tcase_create("all");
    tcase_add_loop_test(c, every_row_of_the_rules, 0, (int)(sizeof rows / sizeof *rows));
    tcase_add_test(c, errors_need_no_final_NUL);
    suite_add_tcase(suite, c);
    return suite_run(suite, CK_NOFORK);
}
