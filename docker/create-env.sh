#!/bin/sh
# Writes the keys that docker-compose.yml needs to .env, once. An existing file is left alone: what is stored is encrypted with its keys.
set -eu
cd "$(dirname "$0")/.."
if [ -e .env ]; then
  echo '.env exists and is left as it is'
  exit 0
fi
umask 077
cat > .env.part <<END
SECRET_KEYS=k1:$(openssl rand -base64 32)
PAYLOAD_KEYS=p1:$(openssl rand -base64 32)
ADMIN_API_KEY=sk_platform_$(openssl rand -hex 24)
END
mv .env.part .env
echo '.env is written: keep it with the backups, because nothing that is stored can be read without it'
