# Installing. DESTDIR is put before every place; contrib/install-files has the list.
PREFIX     ?= /usr/local
SYSCONFDIR ?= /etc
DESTDIR    ?=

$(B)/yardmaster.service: contrib/systemd/yardmaster.service.in FORCE
	@mkdir -p $(@D)
	@sed 's|@bindir@|$(PREFIX)/bin|' $< >$@.tmp
	@cmp -s $@.tmp $@ || mv $@.tmp $@
	@rm -f $@.tmp

## install: put program, man pages, completion and systemd unit in place (PREFIX=/usr/local DESTDIR=)
install: all $(B)/yardmaster.service
	@set -e; contrib/install-files $(B) $(PREFIX) $(SYSCONFDIR) | while read -r mode from to; do \
		case $$mode in c*) \
			if [ -e "$(DESTDIR)$$to" ]; then echo "kept $(DESTDIR)$$to"; continue; fi ;; \
		esac; \
		install -D -m "$${mode#c}" "$$from" "$(DESTDIR)$$to"; \
		echo "installed $(DESTDIR)$$to"; \
	done

## uninstall: take away what install put there; configuration and data stay
uninstall: $(B)/man/pages
	@set -e; contrib/install-files $(B) $(PREFIX) $(SYSCONFDIR) | while read -r mode from to; do \
		case $$mode in c*) continue ;; esac; \
		rm -f "$(DESTDIR)$$to"; \
	done
	@rmdir -p --ignore-fail-on-non-empty "$(DESTDIR)$(PREFIX)/libexec/yardmaster" \
		"$(DESTDIR)$(PREFIX)/share/doc/yardmaster/contrib/doc/decisions" \
		"$(DESTDIR)$(PREFIX)/share/doc/yardmaster/examples" 2>/dev/null || true

## man-check: let mandoc read every manual page
man-check: $(B)/man/pages
	mandoc -Tlint -Wwarning $(B)/man/*.1

FORCE:
.PHONY: install uninstall man-check FORCE
