#!/bin/bash
# shellcheck shell=bash source=functions/base.sh
# What lets the machine run for months unattended: no package run ends a session, and no log fills the disk.
# METRICS: "yes" if the step metrics follows, or nothing. AGENT: where the step session-manager takes the SSM agent
# from, "package" or "image", or nothing if it does not follow.

POLICY=/usr/sbin/policy-rc.d # asked by packages before they start or stop a service

main() {
    spare_sessions
    limit_logs
    limit_journal
    if [ -z "$METRICS" ]; then remove_metrics; fi
    if [ "$AGENT" != package ]; then remove_agent; fi
    if [ -z "$AGENT" ]; then forget session-manager; fi
}

# Ubuntu's server images have needrestart, which restarts after each package run what uses a library that it replaced.
# Debian 13's nginx-common restarts nginx at each upgrade, even before the package nginx has a new master take over the
# listeners, which leaves the sessions to the old one.
spare_sessions() {
    install_file /etc/needrestart/conf.d/linkmesh-proxy.conf <<'EOF_PERL'
$nrconf{override_rc}->{qr(^nginx\.service$)} = 0;
$nrconf{override_rc}->{qr(^linkmesh-server\.service$)} = 0;
EOF_PERL
    if [ -e "$POLICY" ] && ! grep -q linkmesh-proxy "$POLICY"; then
        echo "warning: $POLICY on the machine is another program's, so an upgrade of nginx may end all sessions:" \
            "have it answer 101 to \`nginx restart\`."
        return
    fi
    install_file "$POLICY" 0755 <<'EOF_POLICY'
#!/bin/sh
# linkmesh-proxy: packages may not restart nginx; 101 denies it, see invoke-rc.d(8).
case " $* " in
*" nginx restart "* | *" nginx.service restart "*) exit 101 ;;
esac
EOF_POLICY
}

# logrotate reads this file before the packages' own, so that its limit counts for all their logs. 10,000 collectors
# write 125 MiB an hour, and errors can come faster.
limit_logs() {
    install_file /etc/logrotate.d/00-linkmesh-proxy <<<'maxsize 100M'
    install_file /etc/systemd/system/logrotate.timer.d/10-linkmesh-proxy.conf <<'EOF_TIMER'
[Timer]
OnCalendar=
OnCalendar=*:0/10
AccuracySec=1min
RandomizedDelaySec=0
EOF_TIMER
    apply systemctl daemon-reload
    if installed logrotate; then
        enable_unit logrotate.timer
        apply systemctl restart logrotate.timer
    else
        # The step nginx installs it, which starts the timer.
        expect unit logrotate.timer 'enabled active'
    fi
}

# LinkMesh's own log among others.
limit_journal() {
    install_file /etc/systemd/journald.conf.d/linkmesh-proxy.conf <<'EOF_JOURNAL'
[Journal]
SystemMaxUse=500M
RuntimeMaxUse=50M
EOF_JOURNAL
    [ -z "$CHANGED" ] || apply systemctl restart systemd-journald
}

# What the step metrics has installed while there were alarms.
remove_metrics() {
    local unit=linkmesh-proxy-metrics
    # Removed last, so that a step that is cut goes on here.
    [ -e /usr/local/lib/linkmesh-proxy/push-metrics ] || return 0
    if [ -e "/etc/systemd/system/$unit.timer" ]; then
        systemctl disable --quiet --now "$unit.timer"
        on_failure systemctl enable --quiet --now "$unit.timer"
    fi
    remove_file "/etc/systemd/system/$unit.timer"
    remove_file "/etc/systemd/system/$unit.service"
    apply systemctl daemon-reload
    forget metrics
    remove_file /usr/local/lib/linkmesh-proxy/push-metrics
}

# The package that the step session-manager has installed.
remove_agent() {
    [ -e "$STATE/ssm-agent" ] || return 0
    # A step that was cut may not have got that far. apt-get fails at a package that dpkg does not know.
    if dpkg-query -W amazon-ssm-agent >/dev/null 2>&1; then apt_get purge -y amazon-ssm-agent; fi
    rm -f "$STATE/ssm-agent"
}
