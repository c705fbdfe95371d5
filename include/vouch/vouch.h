/* vouch/vouch.h: all of vouch, but for vouch/hiredis.h. */
#ifndef VOUCH_VOUCH_H
#define VOUCH_VOUCH_H

#include <vouch/args.h>
#include <vouch/batch.h>
#include <vouch/client.h>
#include <vouch/collector.h>
#include <vouch/common.h>
#include <vouch/dead_letter.h>
#include <vouch/error.h>
#include <vouch/group.h>
#include <vouch/library.h>
#include <vouch/observe.h>
#include <vouch/pipeline.h>
#include <vouch/producer.h>
#include <vouch/ratelimit.h>
#include <vouch/reply.h>
#include <vouch/result.h>
#include <vouch/retry.h>
#include <vouch/script.h>
#include <vouch/stream.h>
#include <vouch/transaction.h>

#endif
