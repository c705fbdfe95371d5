/* script/script.h: the inside of a script: its need, and the calls that are made of it. */
#ifndef SCRIPT_SCRIPT_H
#define SCRIPT_SCRIPT_H

#include "command/batch.h"
#include "command/need.h"

#include <vouch/script.h>

struct vouch_script {
    struct need need;
    bool readonly;
    char name[VOUCH_SCRIPT_NAME_MAX];
    char digest[VOUCH_DIGEST_MAX];
    char *load, *ask; /* the need's commands */
};

#define DIGEST_BYTES 20

/* SHA-1; false if there is none to be had. */
bool digest_of(const char *bytes, size_t size, unsigned char out[static DIGEST_BYTES]);
/* In hexadecimal, with a NUL. */
void digest_write(const unsigned char digest[static DIGEST_BYTES],
                  char out[static VOUCH_DIGEST_MAX]);
/* The first eight bytes of it: what connections remember. */
uint64_t digest_short(const unsigned char digest[static DIGEST_BYTES]);

/* One command of these words, encoded; NULL when memory is short. */
char *encode_words(const vouch_arg *words, size_t n, size_t *size);

/* A call: `command` `what` numkeys keys… args…. As vouch_batch_addv; the need is borrowed. */
size_t add_call(struct vouch_batch *b, const char *command, vouch_arg what, vouch_args keys,
                vouch_args args, const struct need *need);

#endif
