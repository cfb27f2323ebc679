#!/usr/bin/env bash
# A certificate of 127.0.0.1 that signs itself, for two days, and its key: certificate.sh <folder> makes cert.pem and key.pem there.
set -euo pipefail
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 \
  -keyout "$1/key.pem" -out "$1/cert.pem" 2>/dev/null
