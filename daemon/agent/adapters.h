/*
 * adapters.h - the adapters themselves, for the table in agent.c alone. Everybody else asks
 * agent_adapter_find().
 */
#ifndef YM_AGENT_ADAPTERS_H
#define YM_AGENT_ADAPTERS_H

#include "agent/agent.h"

extern const struct agent_adapter agent_command; /* any command: agent_command.c */

#endif
