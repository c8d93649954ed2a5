-- CreateTable
CREATE UNLOGGED TABLE "TenantLag" (
    "worker" TEXT NOT NULL,
    "tenantId" TEXT NOT NULL,
    "lateMs" INTEGER NOT NULL,
    "reportedAt" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "TenantLag_pkey" PRIMARY KEY ("worker","tenantId")
);
