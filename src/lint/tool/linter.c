/* A linter from options; and if it cannot be made, which of them is the reason. */
#include "lint/tool/tool.h"

static vouch_lint_options plain(void)
{
    return (vouch_lint_options)VOUCH_LINT_OPTIONS_INIT;
}

/* Whether a linter can be made with these alone. */
static bool works(const vouch_lint_options *options)
{
    vouch_lint *lint;
    if (vouch_lint_new(options, &lint, NULL) != VOUCH_OK)
        return false;
    vouch_lint_free(lint);
    return true;
}

/* The place of the option that is at fault; NULL: the command line. */
static const char *culprit(const struct options *o)
{
    vouch_lint_options one = plain();
    one.target = o->target;
    if (!works(&one))
        return o->target_from;
    one = plain();
    one.rules = o->rules;
    if (!works(&one))
        return o->rules_from;
    for (one.settings = o->settings; one.setting_count < o->setting_count;) {
        one.setting_count++;
        if (!works(&one))
            return o->froms[one.setting_count - 1];
    }
    return NULL;
}

bool linter_make(const struct options *o, vouch_lint **out, struct fault *fault)
{
    vouch_lint_options options = plain();
    vouch_error error;
    options.target = o->target;
    options.rules = o->rules;
    options.settings = o->settings;
    options.setting_count = o->setting_count;
    vouch_status status = vouch_lint_new(&options, out, &error);
    if (status == VOUCH_OK)
        return true;
    const char *from = status == VOUCH_EINVAL ? culprit(o) : NULL;
    return fault_set(fault, "%s%s%s", from ? from : "", from ? ": " : "", error.message);
}
