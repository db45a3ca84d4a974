#!/bin/sh
# Writes what the broker needs from the environment, then becomes the broker.
#   MQTT_USERNAME, MQTT_PASSWORD   the one account
#   MQTT_TLS_CERT, MQTT_TLS_KEY    PEM texts; with both, 8883 speaks TLS, else it stays closed
set -eu
umask 077
work=/tmp/mosquitto
mkdir -p "$work/conf.d"

rm -f "$work/passwords"
mosquitto_passwd -b -c "$work/passwords" "$MQTT_USERNAME" "$MQTT_PASSWORD"

if [ -n "${MQTT_TLS_CERT:-}" ] && [ -n "${MQTT_TLS_KEY:-}" ]; then
    printf '%s\n' "$MQTT_TLS_CERT" > "$work/tls.crt"
    printf '%s\n' "$MQTT_TLS_KEY" > "$work/tls.key"
    cat > "$work/conf.d/tls.conf" <<CONF
listener 8883
certfile $work/tls.crt
keyfile $work/tls.key
CONF
else
    rm -f "$work/conf.d/tls.conf"
    echo "no MQTT_TLS_CERT and MQTT_TLS_KEY: port 8883 stays closed"
fi

unset MQTT_PASSWORD MQTT_TLS_KEY
exec mosquitto -c /mosquitto/config/mosquitto.conf
