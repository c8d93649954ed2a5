import type { Catalogue } from './catalogue.ts'

/**
 * Source: Dataspike’s API reference (the types and DOCVER's payload, verbatim) and Dataspike’s guide (the aliases). Neither
 * prints a payload or a description of APPLICANT and AML, so those follow the guide's "when verifications complete, AML matches
 * occur, or applicants change status".
 */
export const dataspike: Catalogue = {
  contract: 'dataspike',
  groups: [
    {
      name: 'Webhooks',
      description:
        'Webhooks enable your application to receive real-time event notifications from the Dataspike platform.',
      types: [
        {
          type: 'DOCVER',
          aliases: ['DOCVER_EVENT'],
          description: 'DocVer Notifications are fired when verification has been finished.',
          sample: {
            id: 'b86a3cbe-7880-4759-a4f3-9bcabac3cf3c',
            checks: { passport: { data: [], errors: [], status: 'in_progress', warnings: [] } },
            status: 'verified',
            created_at: '2022-09-08T20:25:40.636471Z',
            updated_at: '2022-09-08T20:25:40.636480Z',
            applicant_id: '4da42a83-14db-4f19-9820-19cc10ad21cf',
            document_ids: ['bd59f3da-b89d-4198-be1d-9b65477ddfb1'],
            document_type: 'passport',
          },
        },
        {
          type: 'APPLICANT',
          description: 'An applicant changed status.',
          sample: {
            id: '4da42a83-14db-4f19-9820-19cc10ad21cf',
            external_id: 'customer-20817',
            first_name: 'Maren',
            last_name: 'Solvik',
            email: 'maren.solvik@example.com',
            date_of_birth: '1991-04-17',
            country: 'NO',
            previous_status: 'in_progress',
            status: 'verified',
            created_at: '2022-09-08T20:11:02.480913Z',
            updated_at: '2022-09-08T20:25:41.027365Z',
          },
        },
        {
          type: 'AML',
          aliases: ['AML_SCREENING'],
          description: 'An AML match occurred.',
          sample: {
            id: '7c1f0e5b-36ad-4c92-8e47-d02b9a5f6318',
            applicant_id: '4da42a83-14db-4f19-9820-19cc10ad21cf',
            status: 'match_found',
            searched_name: 'Maren Solvik',
            risk_level: 'medium',
            matches: [
              {
                id: 'e0b49d17-52c8-4fa6-91b3-6a7d8c05e2f4',
                name: 'Marren Solvik',
                score: 0.84,
                categories: ['pep'],
                countries: ['NO'],
              },
            ],
            created_at: '2022-09-08T20:26:12.905184Z',
            updated_at: '2022-09-08T20:26:14.118640Z',
          },
        },
      ],
    },
  ],
}
