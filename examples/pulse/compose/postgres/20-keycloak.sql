-- Keycloak's own database; on AWS it is an RDS instance.
CREATE DATABASE keycloak;
