#!/bin/bash
# shellcheck shell=bash source=functions/base.sh disable=SC2153
# The machine reports to CloudWatch every five minutes how it is, with the rights of its instance role.
# REGION, NAMESPACE. STACK: the value of the dimension Stack. The file `push-metrics.sh`.

UNIT=linkmesh-proxy-metrics

main() {
    install_file /usr/local/lib/linkmesh-proxy/push-metrics 0755 <"$FILES/push-metrics.sh"
    install_file /etc/systemd/system/$UNIT.service <<EOF_SERVICE
[Unit]
Description=Reports the health of this host to CloudWatch
[Service]
Type=oneshot
Environment="REGION=$REGION" "NAMESPACE=$NAMESPACE" "STACK=$STACK"
ExecStart=/usr/local/lib/linkmesh-proxy/push-metrics
TimeoutStartSec=2min
EOF_SERVICE
    install_file /etc/systemd/system/$UNIT.timer <<'EOF_TIMER'
[Unit]
Description=CloudWatch is told every five minutes how this host is
[Timer]
OnCalendar=*:0/5
AccuracySec=1s
[Install]
WantedBy=timers.target
EOF_TIMER
    apply systemctl daemon-reload
    wait_until 120 report ||
        fail "the machine cannot report to CloudWatch: $(tail -n1 "$WORK/report");" \
            "check that it reaches monitoring.$REGION.amazonaws.com and that its role has the right," \
            "then run pulumi up again."
    enable_unit $UNIT.timer --now
}

# A role that has just been given its right has it after some seconds.
report() {
    env "REGION=$REGION" "NAMESPACE=$NAMESPACE" "STACK=$STACK" \
        /usr/local/lib/linkmesh-proxy/push-metrics >"$WORK/report" 2>&1
}
