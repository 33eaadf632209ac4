/* agent.c - see agent.h: the table of adapters, and what belongs to no single one. */
#include "agent/agent.h"

#include "agent/adapters.h"
#include "base/mem.h"

/* One row an adapter. */
static const struct agent_adapter *const adapters[] = {
	&agent_command,
};

const struct agent_adapter *agent_adapter_find(const char *kind)
{
	for (size_t i = 0; kind && i < ARRAY_LEN(adapters); i++)
		if (!strcmp(adapters[i]->kind, kind))
			return adapters[i];
	return NULL;
}

void agent_adapter_kinds(struct strvec *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(adapters); i++)
		strvec_push(ret, adapters[i]->kind);
}

void agent_conf_release(struct agent_conf *c)
{
	if (!c)
		return;
	free(c->name);
	free(c->kind);
	free(c->model);
	strvec_release(&c->command);
	strvec_release(&c->read_only);
	strvec_release(&c->env);
	strvec_release(&c->env_plain);
	*c = (struct agent_conf){0};
}

void agent_result_release(struct agent_result *r)
{
	if (!r)
		return;
	free(r->summary);
	free(r->problem);
	*r = (struct agent_result){0};
}
