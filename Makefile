# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# NetProbe. `make help` lists the targets. Lists are wildcards: a new file in its folder is built, tested and installed.
#
#   bpf/*.bpf.c        -> build/bpf/netprobe.skel.h (np_bpf)       lib/*/*.c -> build/libnetprobe.a
#   tools/NAME.c       -> build/NAME                                man/NAME.[17][.in] -> build/man/NAME.[17]
#   tests/unit/test_*  -> build/tests/unit/test_*                   tests/fuzz/fuzz_*.c -> build-fuzz/fuzz_*
#   tests/work/work*.c -> build/tests/np-work                       tests/work/drop*.c -> build/tests/np-drop
#   tests/work/link*.c -> build/tests/np-link                       tests/work/pcap*.c -> build/tests/np-pcap
#   tests/work/unseen*.c -> build/tests/np-unseen                   tests/bench/bench*.c -> build/tests/np-bench

VERSION := 0.1.0

MAKEFLAGS += -r --no-print-directory
.DELETE_ON_ERROR:
.SUFFIXES:
.DEFAULT_GOAL := all

# ---- what may be set from outside: CC CFLAGS CPPFLAGS LDFLAGS CLANG BPF_CFLAGS BPFTOOL PREFIX DESTDIR, V SAN DEBUG WERROR ----

ifeq ($(origin CC),default)
CC := gcc
endif
CFLAGS ?= -O2 -g
CLANG ?= clang
BPF_CFLAGS ?= -O2 -g
PKG_CONFIG ?= pkg-config
ifndef BPFTOOL
BPFTOOL := $(shell for b in bpftool /usr/sbin/bpftool /usr/lib/linux-tools/*/bpftool; do \
	"$$b" version >/dev/null 2>&1 && echo "$$b" && break; done)
endif

PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
DATADIR ?= $(PREFIX)/share
MANDIR ?= $(DATADIR)/man
BASHCOMPDIR ?= $(DATADIR)/bash-completion/completions
ZSHCOMPDIR ?= $(DATADIR)/zsh/site-functions
FISHCOMPDIR ?= $(DATADIR)/fish/vendor_completions.d

FUZZ_SECONDS ?= 10
FOR ?= build

# ---- one build directory for each kind of object, so that they never mix ----

harden := -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
san := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
ifeq ($(FUZZ),1)
B := build-fuzz
override CC := $(CLANG)
mode_cflags := $(san) -fsanitize=fuzzer-no-link
mode_ldflags := $(san)
else ifeq ($(SAN),1)
B := build-san
mode_cflags := $(san)
mode_ldflags := $(san)
else ifeq ($(COV),1)
B := build-cov
mode_cflags := -O0 --coverage -fprofile-update=atomic
mode_ldflags := --coverage
else ifeq ($(DEBUG),1)
B := build-debug
mode_cflags := -Og -g3
else
B := build
mode_cflags := $(harden)
endif

ifeq ($(WERROR),1)
werror := -Werror
endif

np_cppflags := -D_GNU_SOURCE -DNP_VERSION='"$(VERSION)"' -Ilib -Ibpf -Ibuild/bpf -Ibuild/tests/work
np_cflags := -std=gnu17 -Wall -Wextra $(werror) -fPIE
compile := $(CC) $(np_cppflags) $(CPPFLAGS) $(np_cflags) $(CFLAGS) $(mode_cflags)
link := $(CC) -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(mode_ldflags) $(CFLAGS) $(LDFLAGS)

machine := $(shell uname -m)
bpf_arch := $(patsubst x86_64,x86,$(patsubst aarch64,arm64,$(patsubst ppc64%,powerpc,$(patsubst riscv%,riscv,$(machine)))))
bpf_compile := $(CLANG) -target bpf -D__TARGET_ARCH_$(bpf_arch) -Ibpf \
	$(addprefix -idirafter ,$(wildcard /usr/include/$(machine)-linux-gnu)) \
	-Wall -Wextra -Wno-unused-parameter $(werror) $(BPF_CFLAGS)

pkg = $(shell $(PKG_CONFIG) --$(1) $(2) 2>/dev/null)
LIBS := $(call pkg,libs,libbpf libelf zlib ncursesw libpcap jansson libcap libndpi) -lm
TEST_LIBS := $(call pkg,libs,cmocka)
WORK_LIBS := $(call pkg,libs,liburing) -pthread

# ---- sources ----

BPF_SRCS := $(wildcard bpf/*.bpf.c)
LIB_SRCS := $(wildcard lib/*/*.c)
TOOL_SRCS := $(wildcard tools/*.c)
UNIT_SRCS := $(wildcard tests/unit/test_*.c)
FUZZ_SRCS := $(wildcard tests/fuzz/fuzz_*.c)
WORK_BPF_SRCS := $(wildcard tests/work/*.bpf.c)
WORK_SRCS := $(filter-out %.bpf.c,$(wildcard tests/work/work*.c))
DROP_SRCS := $(filter-out %.bpf.c,$(wildcard tests/work/drop*.c))
UNSEEN_SRCS := $(filter-out %.bpf.c,$(wildcard tests/work/unseen*.c))
LINK_SRCS := $(wildcard tests/work/link*.c)
PCAP_SRCS := $(wildcard tests/work/pcap*.c)
BENCH_SRCS := $(wildcard tests/bench/bench*.c)
C_SRCS := $(LIB_SRCS) $(TOOL_SRCS) $(UNIT_SRCS) $(FUZZ_SRCS) $(WORK_SRCS) $(DROP_SRCS) $(UNSEEN_SRCS) $(LINK_SRCS) $(PCAP_SRCS) $(BENCH_SRCS)
ALL_BPF_SRCS := $(BPF_SRCS) $(WORK_BPF_SRCS)
H_FILES := $(wildcard bpf/*.h lib/*/*.h tests/*/*.h tools/*.h)
SCRIPTS = $(sort $(shell grep -lsE '^.!.*[ /](ba|da)?(sh|bats)\b' .ci/* deploy/* tests/* tests/*/*) \
	$(wildcard tests/*.bash tests/*/*.bash tests/*/*.sh))

obj = $(patsubst %.c,$(B)/obj/%.o,$(1))
skel = $(patsubst %.bpf.c,build/%.skel.h,$(1))
SKEL := build/bpf/netprobe.skel.h

LIB := $(B)/libnetprobe.a
PROGS := $(patsubst tools/%.c,%,$(TOOL_SRCS))
BINS := $(PROGS:%=$(B)/%)
UNITS := $(patsubst tests/unit/%.c,$(B)/tests/unit/%,$(UNIT_SRCS))
FUZZERS := $(patsubst tests/fuzz/%.c,$(B)/%,$(FUZZ_SRCS))
WORKERS := $(if $(WORK_SRCS),$(B)/tests/np-work) $(if $(DROP_SRCS),$(B)/tests/np-drop) $(if $(UNSEEN_SRCS),$(B)/tests/np-unseen) $(if $(LINK_SRCS),$(B)/tests/np-link) $(if $(PCAP_SRCS),$(B)/tests/np-pcap)
BENCH := $(if $(BENCH_SRCS),$(B)/tests/np-bench)
MAN := $(sort $(patsubst man/%.in,$(B)/man/%,$(wildcard man/*.[17].in)) $(patsubst man/%,$(B)/man/%,$(wildcard man/*.[17])))
COMPLETIONS := $(foreach p,$(PROGS),$(B)/completions/bash/$(p) $(B)/completions/zsh/_$(p) $(B)/completions/fish/$(p).fish)

# ---- quiet unless V=1 ----

ifeq ($(V),1)
say = @:
else
Q := @
say = @printf '  %-7s %s\n' '$(1)' '$(2)'
endif
# For the targets that call make again: all processors, unless the caller chose.
again = $(MAKE) $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc))
deps := CC='$(CC)' CLANG='$(CLANG)' BPFTOOL='$(BPFTOOL)' deploy/install-deps

.PHONY: all
all: $(BINS) $(MAN) $(COMPLETIONS)

# One line that says what is missing; order-only, so it rebuilds nothing.
.PHONY: check-deps
check-deps:
	@$(deps) --check build

# A stamp that changes when its text does: new flags or a file taken away rebuild what they touch.
# $(1) file, $(2) name of the variable that holds the text
define stamp
$(1): FORCE
	@mkdir -p $$(@D)
	@printf '%s\n' '$$(subst ','\'',$$($(2)))' | cmp -s - $$@ || printf '%s\n' '$$(subst ','\'',$$($(2)))' >$$@
endef
.PHONY: FORCE
FORCE:
LIB_OBJS := $(call obj,$(LIB_SRCS))
$(eval $(call stamp,$(B)/.compile,compile))
$(eval $(call stamp,$(B)/.link,link))
$(eval $(call stamp,$(B)/.lib,LIB_OBJS))
$(eval $(call stamp,build/.bpf,bpf_compile))

# ---- BPF objects and skeletons (the same for every kind of build) ----

# `gen object` takes the DWARF out and keeps BTF.
build/%.bpf.o: %.bpf.c build/.bpf | check-deps
	$(call say,BPF,$<)
	@mkdir -p $(@D)
	$(Q)$(bpf_compile) -MMD -MP -MF build/$*.bpf.d -MT $@ -c $< -o $@.tmp
	$(Q)$(BPFTOOL) gen object $@ $@.tmp && rm $@.tmp

# The probes are linked into one object with one skeleton: a program loads it once and reads the kernel's type
# information once, which is most of the time that loading takes; what it does not need it does not load.
LINKED := $(patsubst %.bpf.c,build/%.bpf.o,$(BPF_SRCS))
$(eval $(call stamp,build/.linked,LINKED))
build/bpf/netprobe.o: $(LINKED) build/.linked
	$(call say,BPFLINK,$@)
	$(Q)$(BPFTOOL) gen object $@ $(LINKED)

$(SKEL): build/bpf/netprobe.o
	$(call say,SKEL,$@)
	$(Q){ echo '/* NOLINTBEGIN */' && $(BPFTOOL) gen skeleton $< name np_bpf && echo '/* NOLINTEND */'; } >$@

# clang-tidy has nothing to say about generated code.
build/%.skel.h: build/%.bpf.o
	$(call say,SKEL,$@)
	$(Q){ echo '/* NOLINTBEGIN */' && $(BPFTOOL) gen skeleton $< name np_$(subst -,_,$(notdir $*))_bpf && echo '/* NOLINTEND */'; } >$@

.SECONDARY:

# ---- C ----

# Skeletons come before the first compilation; from the second on, the .d files know who includes which.
$(call obj,$(LIB_SRCS) $(TOOL_SRCS) $(UNIT_SRCS) $(FUZZ_SRCS)): | $(SKEL)
$(call obj,$(WORK_SRCS) $(DROP_SRCS) $(UNSEEN_SRCS)): | $(call skel,$(WORK_BPF_SRCS))

$(B)/obj/%.o: %.c $(B)/.compile | check-deps
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(compile) -MMD -MP -c $< -o $@

$(LIB): $(LIB_OBJS) $(B)/.lib
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $(LIB_OBJS)

# $(1) libraries beside those of libnetprobe
define link_recipe
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(link) -o $@ $(filter %.o,$^) $(LIB) $(1) $(LIBS)
endef

$(BINS): $(B)/%: $(B)/obj/tools/%.o $(LIB) $(B)/.link
	$(call link_recipe)

$(UNITS): $(B)/tests/unit/%: $(B)/obj/tests/unit/%.o $(LIB) $(B)/.link
	$(call link_recipe,$(TEST_LIBS))

$(FUZZERS): $(B)/%: $(B)/obj/tests/fuzz/%.o $(LIB) $(B)/.link
	$(call link_recipe,-fsanitize=fuzzer)

$(B)/tests/np-work: $(call obj,$(WORK_SRCS)) $(LIB) $(B)/.link
	$(call link_recipe,$(WORK_LIBS))

$(B)/tests/np-drop: $(call obj,$(DROP_SRCS)) $(LIB) $(B)/.link
	$(call link_recipe,$(WORK_LIBS))

$(B)/tests/np-unseen: $(call obj,$(UNSEEN_SRCS)) $(LIB) $(B)/.link
	$(call link_recipe,$(WORK_LIBS))

$(B)/tests/np-link: $(call obj,$(LINK_SRCS)) $(LIB) $(B)/.link
	$(call link_recipe)

$(B)/tests/np-pcap: $(call obj,$(PCAP_SRCS)) $(LIB) $(B)/.link
	$(call link_recipe)

$(B)/tests/np-bench: $(call obj,$(BENCH_SRCS)) $(LIB) $(B)/.link
	$(call link_recipe)

-include $(patsubst %.o,%.d,$(call obj,$(C_SRCS))) $(patsubst %.bpf.c,build/%.bpf.d,$(ALL_BPF_SRCS))

# ---- man pages and completions, filled from the binary ----

# @NAME@ alone in a line stands for man/name.inc, or for what the program says of itself (--dump name-mdoc).
MAN_PARTS := $(wildcard man/*.inc)
man_fill = sed -e 's/@VERSION@/$(VERSION)/g' \
	$(foreach p,$(MAN_PARTS:man/%.inc=%),-e '/^@$(shell echo $(p) | tr a-z A-Z)@$$/{r man/$(p).inc' -e 'd;}')
$(B)/man/%.1: man/%.1.in $(MAN_PARTS) $(B)/% Makefile
	$(call say,MAN,$@)
	@mkdir -p $(@D)
	$(Q)for part in options columns keys; do $(B)/$* --dump $$part-mdoc >$@.$$part || exit 1; done
	$(Q)$(man_fill) -e '/^@OPTIONS@$$/{r $@.options' -e 'd;}' -e '/^@COLUMNS@$$/{r $@.columns' -e 'd;}' \
		-e '/^@KEYS@$$/{r $@.keys' -e 'd;}' $< >$@
	@rm $@.options $@.columns $@.keys

# Pages about all programs.
$(B)/man/%.7: man/%.7.in $(MAN_PARTS) Makefile
	$(call say,MAN,$@)
	@mkdir -p $(@D)
	$(Q)$(man_fill) $< >$@

$(B)/man/%: man/%
	@mkdir -p $(@D)
	$(Q)cp $< $@

complete_recipe = @mkdir -p $(@D) && sed 's/@NAME@/$*/g' $< >$@
$(PROGS:%=$(B)/completions/bash/%): $(B)/completions/bash/%: completions/bash.in
	$(complete_recipe)
$(PROGS:%=$(B)/completions/zsh/_%): $(B)/completions/zsh/_%: completions/zsh.in
	$(complete_recipe)
$(PROGS:%=$(B)/completions/fish/%.fish): $(B)/completions/fish/%.fish: completions/fish.in
	$(complete_recipe)

# ---- the two commands: run and test ----

bench-programs: $(BENCH)
	@:

.PHONY: run deps test unit unit-programs test-programs bench-programs coverage valgrind bench

deps:
	@$(deps) $(FOR)

run:
	@$(deps) build
	@$(again) all
	@$(B)/nptop $(ARGS)

# Unit tests run under ASan and UBSan; what the other tests start is the build that people get (with SAN=1, the sanitized one).
test:
	@$(deps) build test
	@$(again) SAN=1 unit-programs
	@$(again) all test-programs bench-programs
	@NP_BUILD='$(CURDIR)/$(B)' NP_UNIT='$(CURDIR)/build-san/tests/unit' tests/run

unit:
	@$(deps) build test
	@$(again) SAN=1 unit-programs
	@NP_BUILD='$(CURDIR)/build-san' NP_UNIT='$(CURDIR)/build-san/tests/unit' tests/run unit

unit-programs: $(UNITS)
	@:
test-programs: $(WORKERS)
	@:

valgrind:
	@$(deps) build test valgrind
	@$(again) unit-programs
	@NP_BUILD='$(CURDIR)/$(B)' NP_UNIT='$(CURDIR)/$(B)/tests/unit' tests/run \
		--wrap 'valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite,indirect,possible' unit

# Counts start at zero each time. A test that fails does not keep the figures back.
coverage:
	@$(deps) build test coverage
	@$(again) COV=1 all test-programs unit-programs
	@find build-cov -name '*.gcda' -delete
	@status=0; NP_BUILD='$(CURDIR)/build-cov' NP_UNIT='$(CURDIR)/build-cov/tests/unit' tests/run || status=1; \
	cd build-cov && lcov --quiet --capture --directory . --base-directory '$(CURDIR)' --no-external --output-file all.info && \
	lcov --quiet --extract all.info '$(CURDIR)/lib/*' '$(CURDIR)/tools/*' --output-file coverage.info && \
	lcov --list coverage.info | tee coverage.txt && exit $$status

.PHONY: fuzz fuzz-programs
fuzz:
	@$(deps) build fuzz
	@$(again) FUZZ=1 fuzz-programs
	@tests/run-fuzz build-fuzz $(FUZZ_SECONDS)
fuzz-programs: $(FUZZERS)
	@:

bench:
	@$(deps) build test bench
	@$(if $(NP_BENCH_QUICK),,$(deps) peers || true)
	@$(again) all test-programs
	@NP_BUILD='$(CURDIR)/$(B)' PATH="$(CURDIR)/$(B):$(CURDIR)/$(B)/tests:$$PATH:/usr/sbin:/sbin" tests/bench/run $(ARGS)

# ---- lint ----

.PHONY: lint lint-tidy lint-cppcheck lint-shell lint-man lint-format format
lint:
	@$(deps) build lint
	@$(again) all
	@$(MAKE) -k lint-format lint-shell lint-man lint-cppcheck lint-tidy

# Sources include skeletons, so those must be there. What clang-tidy says is shown for files that fail.
lint-tidy: compile_commands.json $(SKEL) $(call skel,$(WORK_BPF_SRCS))
	$(call say,LINT,clang-tidy)
	$(Q)printf '%s\n' $(C_SRCS) $(ALL_BPF_SRCS) | xargs -P $(shell nproc) -I{} \
		sh -c 'said=$$(clang-tidy --quiet -p . {} 2>&1) || { printf "%s\n" "$$said"; exit 1; }'

lint-cppcheck:
	$(call say,LINT,cppcheck)
	$(Q)cppcheck --quiet -j $(shell nproc) --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
		--suppress=missingIncludeSystem --suppress=readdirCalled --suppress=fgetpwentCalled --suppress=getpwnamCalled --suppress='nullPointer:tests/work/*' --library=posix '-DLIBBPF_OPTS(type,name,...)=struct type name = { __VA_ARGS__ }' \
		'-Dbpf_object__for_each_program(p,o)=while ((p = bpf_object__next_program(o, p)))' \
		'-Dbpf_object__for_each_map(m,o)=while ((m = bpf_object__next_map(o, m)))' -Ilib -Ibpf \
		$(addprefix --include=,$(firstword $(wildcard /usr/include/sys/queue.h /usr/include/*/sys/queue.h))) $(C_SRCS)

lint-shell:
	$(call say,LINT,shellcheck)
	$(Q)shellcheck $(SCRIPTS)
	$(Q)shellcheck --shell=bash completions/bash.in

# Pages of programs that are not there yet may be named.
lint-man: $(MAN)
	$(call say,LINT,mandoc)
	$(Q)! for page in $(MAN); do mandoc -T lint -W style $$page; done | grep -v 'referenced manual not found'

lint-format:
	$(call say,LINT,clang-format)
	$(Q)bad=0; for f in $(C_SRCS) $(ALL_BPF_SRCS) $(H_FILES); do \
		clang-format --dry-run --Werror $$f 2>/dev/null || { echo "$$f: not formatted (make format)"; bad=1; }; done; exit $$bad

format:
	clang-format -i $(C_SRCS) $(ALL_BPF_SRCS) $(H_FILES)

json = $(subst ",\",$(subst \,\\,$(1)))
entry = {"directory": "$(CURDIR)", "file": "$(1)", "command": "$(call json,$(2)) -c $(1)"}
comma := ,
define newline


endef
.PHONY: compile_commands.json
compile_commands.json:
	$(file >$@,[$(subst } {,}$(comma)$(newline){,$(strip $(foreach f,$(C_SRCS),$(call entry,$f,$(compile))) \
		$(foreach f,$(ALL_BPF_SRCS),$(call entry,$f,$(bpf_compile)))))])
	$(call say,GEN,$@)

# ---- install ----

.PHONY: install uninstall clean help
install: all
	install -d '$(DESTDIR)$(BINDIR)' '$(DESTDIR)$(MANDIR)/man1' '$(DESTDIR)$(MANDIR)/man7' '$(DESTDIR)$(BASHCOMPDIR)' '$(DESTDIR)$(ZSHCOMPDIR)' '$(DESTDIR)$(FISHCOMPDIR)'
	install -m 755 $(BINS) '$(DESTDIR)$(BINDIR)'
	$(if $(filter %.1,$(MAN)),install -m 644 $(filter %.1,$(MAN)) '$(DESTDIR)$(MANDIR)/man1')
	$(if $(filter %.7,$(MAN)),install -m 644 $(filter %.7,$(MAN)) '$(DESTDIR)$(MANDIR)/man7')
	install -m 644 $(B)/completions/bash/* '$(DESTDIR)$(BASHCOMPDIR)'
	install -m 644 $(B)/completions/zsh/* '$(DESTDIR)$(ZSHCOMPDIR)'
	install -m 644 $(B)/completions/fish/* '$(DESTDIR)$(FISHCOMPDIR)'

uninstall:
	rm -f $(PROGS:%='$(DESTDIR)$(BINDIR)/%') $(foreach n,1 7,$(patsubst %,'$(DESTDIR)$(MANDIR)/man$n/%',$(notdir $(filter %.$n,$(MAN)))))
	rm -f $(PROGS:%='$(DESTDIR)$(BASHCOMPDIR)/%') $(PROGS:%='$(DESTDIR)$(ZSHCOMPDIR)/_%') $(PROGS:%='$(DESTDIR)$(FISHCOMPDIR)/%.fish')

clean:
	rm -rf build build-san build-debug build-cov build-fuzz compile_commands.json

help:
	@sed -n 's/^#? \?//p' Makefile
#? sudo make run        install what is missing, build, show this host's traffic (ARGS='-I 2s' for options)
#? sudo make test       install what is missing, build, run every test (SAN=1: everything under ASan and UBSan)
#?
#? make                 the programs, man pages and completions, in build/
#? make install         to DESTDIR/PREFIX (default /usr/local); make uninstall takes it back
#? make deps            only install what is missing; FOR='build test lint fuzz coverage valgrind bench peers'
#? make unit            unit tests only
#? make bench           measure cost beside a control and beside other programs (NP_BENCH_QUICK=1: a short run)
#? make lint            clang-format, shellcheck, mandoc, cppcheck, clang-tidy; make format formats
#? make coverage        all tests, then build-cov/coverage.txt
#? make fuzz            every fuzz target for FUZZ_SECONDS=10
#? make valgrind        unit tests under valgrind
#? make compile_commands.json
#? make clean
#?
#? V=1 show commands    DEBUG=1 -Og in build-debug    SAN=1 sanitizers in build-san    WERROR=1 warnings are errors
#? CC CLANG CFLAGS CPPFLAGS LDFLAGS BPF_CFLAGS BPFTOOL can be set
