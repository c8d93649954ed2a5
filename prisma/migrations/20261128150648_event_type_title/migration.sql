-- AlterTable
ALTER TABLE "EventType" ADD COLUMN     "title" TEXT;
