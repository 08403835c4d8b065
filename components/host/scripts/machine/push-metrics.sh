#!/bin/bash
# Reports to CloudWatch what `health` says. Each item is a value of the dimension Item, with the metric Failed, 0 or 1,
# and the metric Number, such as days left or percent used. An item that is not reported rings its alarm.
# From the unit: REGION, NAMESPACE, STACK.

set -euo pipefail
export LC_ALL=C.UTF-8

HEALTH=${HEALTH:-/usr/local/lib/linkmesh-proxy/health}
METADATA=http://169.254.169.254/latest
DATA=() # curl's options for the body
COUNT=0 # of the metrics in it

# fail SENTENCE…: the parts are joined by spaces.
fail() {
    echo "error: $*" >&2
    exit 1
}

# ask PATH <CONFIG: the metadata service. Headers are secret, and arguments are seen by every process of the machine.
ask() {
    curl --config - --silent --show-error --fail --max-time 5 "$METADATA/$1"
}

# credential NAME
credential() {
    sed -n "s/^ *\"$1\" *: *\"\([^\"]*\)\",\{0,1\}\$/\1/p" <<<"$CREDENTIALS"
}

# add METRIC ITEM VALUE
add() {
    local metric
    COUNT=$((COUNT + 1))
    metric=MetricData.member.$COUNT
    DATA+=(
        --data-urlencode "$metric.MetricName=$1" --data-urlencode "$metric.Value=$3"
        --data-urlencode "$metric.Dimensions.member.1.Name=Stack"
        --data-urlencode "$metric.Dimensions.member.1.Value=$STACK"
        --data-urlencode "$metric.Dimensions.member.2.Name=Item"
        --data-urlencode "$metric.Dimensions.member.2.Value=$2"
    )
}

# Its status says that an item is wrong, which is what is reported.
items=$("$HEALTH") || [ -n "$items" ] || fail "$HEALTH says nothing."
pattern=$'^([a-z-]+)\t(ok|wrong)\t(-?[0-9]*)\t'
while IFS= read -r line; do
    [[ $line =~ $pattern ]] || continue
    failed=1
    if [ "${BASH_REMATCH[2]}" = ok ]; then failed=0; fi
    add Failed "${BASH_REMATCH[1]}" $failed
    [ -z "${BASH_REMATCH[3]}" ] || add Number "${BASH_REMATCH[1]}" "${BASH_REMATCH[3]}"
done <<<"$items"
((COUNT > 0)) || fail "$HEALTH names no item: $items"

token=$(ask api/token <<<$'request = "PUT"\nheader = "X-aws-ec2-metadata-token-ttl-seconds: 60"') ||
    fail "the instance metadata service gives no token."
header="header = \"X-aws-ec2-metadata-token: $token\""
role=$(ask meta-data/iam/security-credentials/ <<<"$header") || fail "the machine has no instance role."
CREDENTIALS=$(ask "meta-data/iam/security-credentials/$role" <<<"$header") || fail "the role $role has no credentials."
key=$(credential AccessKeyId)
secret=$(credential SecretAccessKey)
session=$(credential Token)

answer=$(printf 'user = "%s:%s"\nheader = "x-amz-security-token: %s"\n' "$key" "$secret" "$session" |
    curl --config - --aws-sigv4 "aws:amz:$REGION:monitoring" --silent --show-error --max-time 30 \
        --data Action=PutMetricData --data Version=2010-08-01 --data-urlencode "Namespace=$NAMESPACE" "${DATA[@]}" \
        --write-out '%{http_code}' "https://monitoring.$REGION.amazonaws.com/" 2>&1) ||
    fail "CloudWatch cannot be reached: $answer"
if [ "${answer: -3}" = 200 ]; then exit 0; fi
reason=$(sed -n 's/.*<Message>\(.*\)<\/Message>.*/\1/p' <<<"$answer")
fail "CloudWatch answers ${answer: -3}: ${reason:-$answer}"
