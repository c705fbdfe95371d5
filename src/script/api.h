/* script/api.h: what the files with public calls share. */
#ifndef SCRIPT_API_H
#define SCRIPT_API_H

#include "script/call.h"

/* Starts a call; the client was found usable, and `error` is not NULL. */
vouch_status api_start(struct vouch_client *client, const struct callee *callee, vouch_args keys,
                       vouch_args args, const vouch_call_options *options, vouch_op **out,
                       vouch_error *error);

#endif
